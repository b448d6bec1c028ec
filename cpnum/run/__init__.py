"""Code to arrays: executable memory, and calls that fill argument blocks and enter kernels."""
