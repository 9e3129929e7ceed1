"""A session as its user sees it: through a Gateway, real or with a false Spark."""

from gateway import until


class Session:
    def __init__(self, gateway, mount="", **body):
        self.gateway, self.mount = gateway, mount
        self.made = gateway.post(mount + "/sessions", {"kind": "pyspark", **body})
        assert self.made.status == 201, self.made.body
        self.id = self.made.body["id"]
        self.path = f"{mount}/sessions/{self.id}"

    def get(self, path=""):
        return self.gateway.get(self.path + path)

    def state(self):
        return self.get("/state").body["state"]

    def wait(self, state, timeout=20):
        until(lambda: self.state() == state, timeout, f"session {self.id} is {state}, not {self.state()}")
        return self

    def post(self, code, **more):
        return self.gateway.post(self.path + "/statements", {"code": code, **more})

    def statement(self, number):
        return self.get(f"/statements/{number}").body

    def result(self, number, timeout=20):
        until(lambda: self.statement(number)["state"] in ("available", "cancelled"), timeout, f"statement {number} ends")
        return self.statement(number)

    def run(self, code, **more):
        posted = self.post(code, **more)
        assert posted.status == 201, posted.body
        return self.result(posted.body["id"])["output"]
