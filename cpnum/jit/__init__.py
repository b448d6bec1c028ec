"""The decorator: keys of calls, the cache of a function, and the function that is compiled."""
