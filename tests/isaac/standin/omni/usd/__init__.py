from pxr import Usd


class _Context:
    def __init__(self):
        self._stage = None

    def new_stage(self):
        self._stage = Usd.Stage.CreateInMemory()
        return True

    def get_stage(self):
        return self._stage


_CONTEXT = _Context()


def get_context():
    return _CONTEXT
