# A pipeline of the shell, with one part in the background.
"$PYTHON" "$SHAPES/rest.py" &
"$PYTHON" "$SHAPES/rest.py" | cat | cat >/dev/null &
"$PYTHON" "$SHAPES/last.py" 3
