"""The service over the publications: typed, versioned, read-only. Started by `tokenmart serve`.

`app.make_app(settings, clock)` is an ASGI application; `shelf.Shelf` has the publications open.
"""
