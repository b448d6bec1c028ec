"""The decorator: which calls share code, and a function that is compiled when it is called."""
