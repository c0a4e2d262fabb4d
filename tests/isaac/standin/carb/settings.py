_KEPT = {}


class _Settings:
    def set(self, path, value):
        _KEPT[path] = value

    def get(self, path):
        return _KEPT.get(path)


def get_settings():
    return _Settings()
