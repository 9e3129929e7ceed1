"""Real clusters, each with a fixture of its own beside its tests. What is missing is a failure, not a reason to skip."""

import shutil

import pytest
from kube import Kube, Kubelet, Liar
from parts import Part, spark_home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what the parts of its cluster said."""
    report = yield
    if report.failed:
        for used in item.funcargs.values():
            for part in getattr(used, "parts", ()):
                if isinstance(part, Part):
                    report.sections.append((f"{part.name}, a part of the cluster", part.text()))
    return report


@pytest.fixture(scope="session", autouse=True)
def java():
    assert shutil.which("java"), "no Java on PATH: run tools/setup clusters"


@pytest.fixture(scope="session")
def kube(tmp_path_factory):
    kube = Kube(tmp_path_factory.mktemp("kube"))
    try:
        yield kube.start()
    finally:
        kube.stop()


@pytest.fixture(scope="session")
def kubelet(kube):
    kubelet = Kubelet(kube, {"spark:here": spark_home("spark35"), "spark4:here": spark_home("spark4")})
    yield kubelet
    kubelet.stop()


@pytest.fixture
def place(kube, kubelet):
    return kube.namespace()


@pytest.fixture
def florus(gateways, kube, place, tmp_path):
    """A gateway whose only cluster is the namespace of this test; start() is the test's."""

    def make(user=None, **options):
        user = user or {"client-certificate": str(kube.client_pair.cert), "client-key": str(kube.client_pair.key)}
        options = {
            "livy__spark__master": "k8s://" + kube.url,
            "livy__spark__deploy-mode": "cluster",
            "florus__cluster__default__launcher": "native",
            "florus__cluster__default__poll": "100ms",
            "florus__cluster__default__log-poll": "200ms",
            "florus__cluster__default__kubeconfig": kube.kubeconfig(tmp_path / "kubeconfig", user, place.name),
            "florus__cluster__default__conf.spark.kubernetes.container.image": "spark:here",
            **options,
        }
        g = gateways(**options)
        g.options["livy.file.local-dir-whitelist"] = f"{g.files},/opt"  # local:/opt/… is in the image
        return g

    return make


@pytest.fixture
def liar(kube):
    liar = Liar(kube)
    yield liar
    liar.stop()
