from carb import settings
