// Begins the page.

import { render } from 'preact';
import { App } from './app';
import { startKeys } from './state/keys';
import { startTheme } from './state/theme';

startTheme();
startKeys();
render(<App />, document.getElementById('page')!);
