"""Results are sent on in order, at least once, signed, and never given up in silence: to a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from core.access import Person
from core.catalog.products import create_product
from core.deliveries import sending
from core.deliveries.sending import MOST_REFUSALS, Pace, Postman, TargetSender
from core.deliveries.settings import MqttSettings, WebhookSettings
from core.deliveries.targets import (
    add_target,
    find_target,
    forget_delivered,
    list_targets,
    remove_target,
    retry_all,
    set_target_active,
)
from core.deliveries.webhook import WebhookChannel
from core.errors import AppError, BadInput, Conflict, NotAllowed
from core.services import Services
from core.transactions import reading, writing
from storage.tables import Delivery, DeliveryTarget, Inspection, Product, utc_now
from tests.unit.core.deliveries.conftest import Announce
from tests.webhook_receiver import SLOW, Receiver, receiving, wait_until

SECRET = "s3cret-of-the-line"
AT_ONCE = Pace(first_s=0.0, longest_s=0.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOMSA_WEBHOOK_SECRET", SECRET)


@pytest.fixture
def target_id(services: Services, engineer: Person, receiver: Receiver, product: Product) -> int:
    return add_target(services, engineer, name="mes", settings=WebhookSettings(receiver.url))


def _open_fast(target: DeliveryTarget) -> WebhookChannel:
    return WebhookChannel(WebhookSettings.from_json(target.settings), timeout_s=0.3)


def _sender(services: Services, target_id: int, *, pace: Pace = AT_ONCE, holder: str = "tests") -> TargetSender:
    return TargetSender(services, target_id, holder=holder, pace=pace, open_one=_open_fast)


def _rows(services: Services) -> list[Delivery]:
    with reading(services) as session:
        return list(session.exec(select(Delivery).order_by(col(Delivery.sequence))).all())


def test_a_message_is_signed_and_says_what_was_found(
    services: Services, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    (inspection_id,) = announce("reject", line="L1", lot="A7", serial="0001")
    assert _sender(services, target_id).send_due() == 1
    ((headers, body),) = receiver.received
    expected = hmac.new(SECRET.encode(), headers["X-Geomsa-Timestamp"].encode() + b"." + body, hashlib.sha256)
    assert headers["X-Geomsa-Signature"] == "sha256=" + expected.hexdigest()
    assert abs(int(headers["X-Geomsa-Timestamp"]) - utc_now().timestamp()) < 60
    message = json.loads(body)
    assert headers["X-Geomsa-Message-Id"] == message["message_id"]
    assert message | {"message_id": "", "at": ""} == {
        "message_id": "",
        "sequence": 1,
        "event": "inspection",
        "inspection": inspection_id,
        "at": "",
        "product": "A-100",
        "line": "L1",
        "lot": "A7",
        "serial": "0001",
        "shift": "",
        "source": "watch",
        "file": "part.png",
        "image_sha256": "0" * 64,
        "verdict": "reject",
        "score": 1.5,
        "review_at": 1.0,
        "reject_at": 2.0,
        "suggested_defect_type": None,
        "regions": [],
        "model_version": 3,
    }
    (view,) = list_targets(services)
    assert (view.waiting, view.given_up, view.last_error) == (0, 0, None)
    assert view.last_delivered_at is not None


def test_what_fails_is_sent_again_in_order_until_it_arrives(
    services: Services, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    announce("ok", "review", "reject")
    receiver.script = [500, SLOW, 503, 200, 429, 302]
    sender = _sender(services, target_id)
    rounds = 0
    while receiver.sequences != [1, 2, 3]:
        sender.send_due()
        rounds += 1
        assert rounds < 20
    assert [json.loads(body)["sequence"] for _headers, body in receiver.received] == [1, 1, 1, 1, 2, 2, 2, 3]
    # The same message has the same number each time: the receiver knows it again.
    assert len({json.loads(body)["message_id"] for _headers, body in receiver.received}) == 3
    assert [row.attempts for row in _rows(services)] == [4, 3, 1]


@pytest.mark.parametrize(
    ("script", "code"),
    [([500], "delivery_status"), ([SLOW], "delivery_timeout"), ([301], "delivery_redirected")],
)
def test_what_is_wrong_is_shown(
    services: Services, target_id: int, receiver: Receiver, announce: Announce, script: list[int], code: str
) -> None:
    announce("reject")
    receiver.script = script
    _sender(services, target_id, pace=Pace(first_s=60.0)).send_due()
    view = find_target(services, "mes")
    assert view.last_error is not None
    assert (view.last_error.code, view.waiting) == (code, 1)
    assert view.last_error.params["place"] == f"http://127.0.0.1:{receiver.port}"
    assert "hooks" not in view.last_error.to_app_error().sentence("en")


def test_the_waits_grow_up_to_a_limit(
    services: Services, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    assert [Pace().wait_s(attempts) for attempts in (1, 2, 3, 9, 10, 100_000)] == [1, 2, 4, 256, 300, 300]
    announce("reject")
    receiver.script = [500]
    sender = _sender(services, target_id, pace=Pace(first_s=60.0))
    sender.send_due()
    assert sender.send_due() == 0
    assert len(receiver.received) == 1
    (row,) = _rows(services)
    assert timedelta(seconds=50) < row.next_attempt_at - utc_now() <= timedelta(seconds=60)


def test_a_server_that_is_away_loses_nothing(services: Services, engineer: Person, announce: Announce) -> None:
    with receiving() as first:
        target_id = add_target(services, engineer, name="mes", settings=WebhookSettings(first.url))
        port = first.port
    announce("reject", "ok")
    sender = _sender(services, target_id)
    sender.send_due()
    view = find_target(services, "mes")
    assert view.last_error is not None
    assert (view.last_error.code, view.waiting) == ("delivery_unreachable", 2)
    with receiving(port=port) as back:
        sender.send_due()
        assert back.sequences == [1, 2]


def test_a_message_that_is_refused_again_and_again_is_set_aside_and_can_be_sent_again(
    services: Services, engineer: Person, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    announce("reject", "ok")
    receiver.script = [422] * MOST_REFUSALS
    sender = _sender(services, target_id)
    for _round in range(MOST_REFUSALS + 1):
        sender.send_due()
    assert receiver.sequences == [2]
    view = find_target(services, "mes")
    assert (view.waiting, view.given_up) == (0, 1)
    assert retry_all(services, engineer) == 1
    sender.send_due()
    assert receiver.sequences == [2, 1]
    assert find_target(services, "mes").given_up == 0


def test_without_its_secret_nothing_is_sent(
    services: Services,
    target_id: int,
    receiver: Receiver,
    announce: Announce,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.delenv("GEOMSA_WEBHOOK_SECRET")
    announce("reject")
    sender = _sender(services, target_id)
    assert sender.send_due() == 0
    assert receiver.received == []
    error = find_target(services, "mes").last_error
    assert error is not None
    assert error.code == "delivery_secret_missing"
    monkeypatch.setenv("GEOMSA_WEBHOOK_SECRET_FILE", str(tmp_path / "nowhere"))
    sender.send_due()
    error = find_target(services, "mes").last_error
    assert error is not None
    assert error.code == "delivery_secret_file"
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    monkeypatch.setenv("GEOMSA_WEBHOOK_SECRET_FILE", str(tmp_path / "secret"))
    assert sender.send_due() == 1


def test_a_secret_is_neither_in_the_database_nor_in_the_log(
    services: Services,
    target_id: int,
    receiver: Receiver,
    announce: Announce,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    announce("reject")
    receiver.script = [500]
    sender = _sender(services, target_id)
    sender.send_due()
    sender.send_due()
    assert SECRET not in caplog.text
    assert "hooks/geomsa" not in " ".join(
        record.getMessage() for record in caplog.records if record.name.startswith("core")
    )
    kept = services.settings.data_dir.rglob("*")
    assert not any(SECRET.encode() in path.read_bytes() for path in kept if path.is_file())


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    services: Services, engineer: Person, announce: Announce, tmp_path: Path
) -> None:
    certificate = tmp_path / "server.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate, "-out", tmp_path / "cert.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        pytest.skip("openssl cannot make a certificate here")
    certificate.write_bytes(certificate.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    with receiving(certificate=certificate) as receiver:
        target_id = add_target(services, engineer, name="tls", settings=WebhookSettings(receiver.url))
        announce("reject")
        _sender(services, target_id).send_due()
        assert receiver.received == []
    error = find_target(services, "tls").last_error
    assert error is not None
    assert error.code == "delivery_tls"


def test_a_target_gets_what_it_wants(
    services: Services, engineer: Person, product: Product, announce: Announce
) -> None:
    other = create_product(services, engineer, code="B-200", name="Other", description="")
    for name, verdicts, product_id in (
        ("all", "all", None),
        ("not-ok", "not_ok", product.id),
        ("ng", "reject", None),
        ("other", "all", other.id),
    ):
        settings = WebhookSettings("https://example.com/x")
        add_target(services, engineer, name=name, settings=settings, product_id=product_id, verdicts=verdicts)
    announce("ok", "review", "reject", "ok")
    announce("reject")
    assert {view.name: view.waiting for view in list_targets(services)} == {"all": 5, "not-ok": 3, "ng": 2, "other": 0}
    with reading(services) as session:
        for target in session.exec(select(DeliveryTarget)):
            numbers = session.exec(select(Delivery.sequence).where(Delivery.target_id == target.id)).all()
            assert sorted(numbers) == list(range(1, target.last_sequence + 1))


def test_without_the_inspection_there_is_no_message(services: Services, target_id: int, announce: Announce) -> None:
    announce("reject", commit=False)
    assert _rows(services) == []
    announce("reject")
    assert [row.sequence for row in _rows(services)] == [1]
    with reading(services) as session:
        assert [row.inspection_id for row in _rows(services)] == list(session.exec(select(Inspection.id)))


def test_two_processes_do_not_send_one_targets_messages_at_once(
    services: Services, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    announce(*["reject"] * 20)
    senders = [_sender(services, target_id, holder=f"process-{number}") for number in range(2)]
    threads = [threading.Thread(target=sender.send_due) for sender in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receiver.sequences == list(range(1, 21))
    for sender in senders:
        sender.close()


def test_a_paused_target_holds_its_messages(
    services: Services, engineer: Person, target_id: int, receiver: Receiver, announce: Announce
) -> None:
    set_target_active(services, engineer, target_id, False)
    announce("reject")
    assert _sender(services, target_id).send_due() == 0
    set_target_active(services, engineer, target_id, True)
    announce("ok")
    assert _sender(services, target_id).send_due() == 2
    assert receiver.sequences == [1, 2]


def test_a_removed_target_goes_with_its_messages(
    services: Services, engineer: Person, worker_person: Person, target_id: int, announce: Announce
) -> None:
    announce("reject")
    with pytest.raises(NotAllowed):
        remove_target(services, worker_person, target_id)
    assert remove_target(services, engineer, target_id) == 1
    assert (_rows(services), list_targets(services)) == ([], [])
    announce("reject")


def test_what_was_delivered_long_ago_is_forgotten(services: Services, target_id: int, announce: Announce) -> None:
    announce("reject", "reject", "ok")
    sender = _sender(services, target_id)
    sender.send_due()
    with writing(services) as session:
        for row in session.exec(select(Delivery).where(col(Delivery.sequence) < 3)):
            row.delivered_at = utc_now() - timedelta(days=31)
        session.commit()
    assert forget_delivered(services) == 2
    assert [row.sequence for row in _rows(services)] == [3]


def test_the_postman_sends_by_itself_and_takes_up_new_targets(
    services: Services, engineer: Person, target_id: int, receiver: Receiver, announce: Announce,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(sending, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(sending, "POLL_S", 0.02)
    postman = Postman(services, pace=AT_ONCE, open_one=_open_fast)
    postman.start()
    try:
        receiver.script = [500, 500]
        announce("reject", "ok")
        wait_until(lambda: receiver.sequences == [1, 2])
        with receiving() as second:
            add_target(services, engineer, name="second", settings=WebhookSettings(second.url), verdicts="reject")
            announce("reject")
            wait_until(lambda: second.sequences == [1] and receiver.sequences == [1, 2, 3])
    finally:
        postman.stop()
    with reading(services) as session:
        assert [row.holder for row in session.exec(select(DeliveryTarget))] == ["", ""]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (WebhookSettings("ftp://example.com"), "delivery_url"),
        (WebhookSettings("https://"), "delivery_url"),
        (WebhookSettings("https://example.com:99999/"), "delivery_url"),
        (WebhookSettings("https://exa mple.com/\n"), "delivery_url"),
        (WebhookSettings("https://" + "x" * 2000), "delivery_url"),
        (WebhookSettings("https://user:pass@example.com"), "delivery_url_password"),
        (WebhookSettings("https://example.com", secret_name="ANTHROPIC_API_KEY"), "delivery_variable"),
        (MqttSettings("broker", password_name="GEOMSA_S3_SECRET_KEY"), "delivery_variable"),
        (MqttSettings("bad host"), "delivery_host"),
        (MqttSettings("broker", port=0), "delivery_host"),
        (MqttSettings("broker", topic="geomsa/+"), "delivery_topic"),
        (MqttSettings("broker", topic="geomsa/{serial}"), "delivery_topic"),
        (MqttSettings("broker", topic="geomsa/{product.__class__}"), "delivery_topic"),
        (MqttSettings("broker", topic="{"), "delivery_topic"),
        (MqttSettings("broker", topic=""), "delivery_topic"),
    ],
)
def test_targets_that_cannot_work_are_refused(services: Services, engineer: Person, wanted: Any, code: str) -> None:
    with pytest.raises(BadInput) as caught:
        add_target(services, engineer, name="mes", settings=wanted)
    assert caught.value.code == code


def test_names_of_targets_are_plain_and_their_own(services: Services, engineer: Person) -> None:
    settings = WebhookSettings("https://example.com/x")
    add_target(services, engineer, name="mes", settings=settings)
    with pytest.raises(Conflict):
        add_target(services, engineer, name="mes", settings=settings)
    for name in ("", "a b", "x" * 65, "a\n"):
        with pytest.raises(AppError) as caught:
            add_target(services, engineer, name=name, settings=settings)
        assert caught.value.code == "delivery_name"


def test_a_topic_cannot_be_left_by_what_a_part_is_called() -> None:
    settings = MqttSettings("broker", topic="geomsa/{product}/{line}/{verdict}").checked()
    payload = {"product": "A/#", "line": "", "verdict": "ok", "source": "watch"}
    assert settings.name_topic(payload) == "geomsa/A__/-/ok"
    assert MqttSettings.from_json(settings.to_json()) == settings
