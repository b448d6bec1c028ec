"""Code to arrays: executable memory, and calls that fill an argument block and enter a kernel."""
