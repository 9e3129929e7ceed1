"""What goes wrong between two events: shutdown with everything in flight, a full disk, names used twice, odd files."""

import threading

from gateway import until
from wire import Closed


def keep_asking(gateway, path, stop):
    """Requests on connections that are kept, until the server is gone; nothing but whole answers may come."""
    while not stop.is_set():
        try:
            with gateway.wire() as wire:
                for _ in range(1000):
                    answer = wire.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).answer()
                    assert answer.status in (200, 404, 503), answer
        except (Closed, OSError):
            stop.wait(0.01)


def test_it_stops_in_order_with_connections_open(gateway):
    with gateway.wire() as used, gateway.wire(), gateway.wire() as half:
        assert used.send(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").answer().status == 200
        half.send(b"GET /ver")
        gateway.stop()
        assert used.closed() and half.closed()


def test_it_stops_in_order_while_history_is_asked_for(gateway):
    """What arrives while the store is closed already must not reach it."""
    for _ in range(4):
        stop = threading.Event()
        threads = [threading.Thread(target=keep_asking, args=(gateway, "/batches/99", stop)) for _ in range(8)]
        for thread in threads:
            thread.start()
        gateway.restart()
        stop.set()
        for thread in threads:
            thread.join()
    assert gateway.get("/batches").status == 200
