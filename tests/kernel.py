"""A kernel for Jupyter that does not find some packages: `python kernel.py numba -f CONNECTION`."""

import importlib.machinery
import sys


class Without:
    """A finder of modules that finds none of some packages."""

    def __init__(self, finder, hidden):
        self._finder = finder
        self._hidden = hidden

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self._hidden:
            return None
        return self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)


def main(words):
    at = words.index("-f")
    hidden, sys.argv[1:] = set(words[:at]), words[at:]
    sys.meta_path[:] = [
        Without(each, hidden) if each is importlib.machinery.PathFinder else each
        for each in sys.meta_path
    ]
    # A kernel's own path begins with the folder of the notebook.
    sys.path[0] = ""
    from ipykernel.kernelapp import launch_new_instance

    launch_new_instance()


if __name__ == "__main__":
    main(sys.argv[1:])
