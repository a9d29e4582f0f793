"""Results published to a real MQTT broker: each once it is confirmed, in order, and again after the broker was away."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from core.deliveries.mqtt import MqttChannel
from core.deliveries.settings import MqttSettings
from core.deliveries.terms import DeliveryError
from tests.services.servers import MqttBroker, ServerMissing
from tests.webhook_receiver import wait_until

pytestmark = pytest.mark.services


@contextmanager
def _broker(*, certificate: Path | None = None) -> Iterator[MqttBroker]:
    with tempfile.TemporaryDirectory(prefix="geomsa-", dir="/tmp") as folder:
        try:
            broker = MqttBroker(Path(folder), certificate=certificate)
        except ServerMissing as missing:
            pytest.skip(str(missing))
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


@pytest.fixture
def broker() -> Iterator[MqttBroker]:
    with _broker() as found:
        yield found


@pytest.fixture(autouse=True)
def _login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_MQTT_USER", MqttBroker.user)
    monkeypatch.setenv("GEOMSA_MQTT_PASSWORD", MqttBroker.password)


@contextmanager
def _listening(broker: MqttBroker) -> Iterator[list[MQTTMessage]]:
    messages: list[MQTTMessage] = []
    subscribed = threading.Event()
    client = Client(CallbackAPIVersion.VERSION2, client_id="listener")
    client.username_pw_set(broker.user, broker.password)

    def subscribe(*_told: Any) -> None:
        client.subscribe("geomsa/#", qos=1)

    client.on_connect = subscribe
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _client, _data, message: messages.append(message)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert subscribed.wait(10)
    try:
        yield messages
    finally:
        client.disconnect()
        client.loop_stop()


def _message(sequence: int, **more: Any) -> dict[str, Any]:
    return {"message_id": f"{sequence:032x}", "sequence": sequence, "product": "A-100", "line": "L1", **more}


@contextmanager
def _channel(broker: MqttBroker, **settings: Any) -> Iterator[MqttChannel]:
    channel = MqttChannel(
        MqttSettings("127.0.0.1", port=broker.port, **settings), client_id="geomsa-tests", timeout_s=3.0
    )
    yield channel
    channel.close()


def test_results_are_published_in_order_with_qos_1_and_not_retained(broker: MqttBroker) -> None:
    with _listening(broker) as messages, _channel(broker) as channel:
        for sequence in range(1, 51):
            channel.send(_message(sequence, lot="부품"))
        wait_until(lambda: len(messages) == 50)
    assert [json.loads(message.payload)["sequence"] for message in messages] == list(range(1, 51))
    assert {(message.topic, message.qos, message.retain) for message in messages} == {("geomsa/A-100/L1", 1, False)}
    assert json.loads(messages[0].payload)["lot"] == "부품"


def test_a_broker_that_was_away_gets_the_next_try(broker: MqttBroker) -> None:
    with _channel(broker) as channel:
        channel.send(_message(1))
        broker.stop()
        with pytest.raises(DeliveryError) as caught:
            channel.send(_message(2))
        assert caught.value.problem.code in {"delivery_unreachable", "delivery_timeout"}
        assert not caught.value.is_refused
        with pytest.raises(DeliveryError) as caught:
            channel.send(_message(2))
        assert caught.value.problem.code == "delivery_unreachable"
        broker.start()
        with _listening(broker) as messages:
            channel.send(_message(2))
            wait_until(lambda: len(messages) == 1)
    assert json.loads(messages[0].payload)["sequence"] == 2


def test_a_wrong_password_is_said(broker: MqttBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_MQTT_PASSWORD", "wrong")
    with _channel(broker) as channel, pytest.raises(DeliveryError) as caught:
        channel.send(_message(1))
    assert caught.value.problem.code == "delivery_login_refused"
    monkeypatch.delenv("GEOMSA_MQTT_PASSWORD")
    with _channel(broker) as channel, pytest.raises(DeliveryError) as caught:
        channel.send(_message(1))
    assert caught.value.problem.code == "delivery_login_refused"
    assert "wrong" not in str(caught.value.problem)


def test_a_server_that_speaks_no_mqtt_is_given_up_in_time() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings = MqttSettings("127.0.0.1", port=mute.getsockname()[1])
        channel = MqttChannel(settings, client_id="geomsa-tests", timeout_s=0.5)
        with pytest.raises(DeliveryError) as caught:
            channel.send(_message(1))
    assert caught.value.problem.code == "delivery_timeout"


def test_tls_is_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("openssl cannot make a certificate here")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    with _broker(certificate=both) as broker:
        with _channel(broker, tls=True) as channel, pytest.raises(DeliveryError) as caught:
            channel.send(_message(1))
        assert caught.value.problem.code == "delivery_tls"
        monkeypatch.setenv("GEOMSA_MQTT_CA_FILE", str(certificate))
        with _channel(broker, tls=True) as channel:
            channel.send(_message(1))
