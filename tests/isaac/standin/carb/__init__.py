from carb import settings as settings
