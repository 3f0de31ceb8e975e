"""DataFrame in, DataFrame out; settings are plain values; never a path, a session or a config."""
