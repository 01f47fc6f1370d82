"""Find things: the files of a folder, their chunks, and an index of the words in them."""
