"""Drawing regions on a picture: an editor that lives in the browser, and what the server does with what it sends."""
