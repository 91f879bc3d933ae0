// Shown when the server doesn't know this browser: how to get in.

import { Command } from '../parts/controls';

export function LockedPage() {
  return (
    <section class="middle">
      <h1>This dashboard wants its key</h1>
      <p>
        Open the address that <code>luthier dashboard</code> printed when it began: it holds the key of this server. A restarted
        server or an old bookmark needs it once more.
      </p>
      <Command text="luthier dashboard --open" />
    </section>
  );
}
