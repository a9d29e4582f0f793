"""The way to the first inspection: what is stored and started by one button, and where a reload comes back to."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.accounts.people import open_person
from core.catalog.defect_types import list_defect_types
from core.catalog.products import create_product, list_products, set_product_active
from core.images.library import list_images
from core.images.records import IncomingFile
from core.images.uploads import add_images
from core.jobs import claims, queue, views
from core.models.kinds import MEMORY_BANK, SIMILARITY_INDEX
from core.services import Services
from pages.components.shared.screens import FIRST_INSPECTION, INSPECT_PART, MEMORY_BANKS, PRODUCTS
from tests.pages.conftest import OpenApp
from tests.pages.screen_reading import press, texts
from tests.plates import encode, plate
from tests.zip_files import make_zip


def _choose(app: AppTest, *files: tuple[str, bytes], field: str = "first_good_0") -> AppTest:
    uploader = next(found for found in app.file_uploader if found.key == field)
    uploader.set_value([(name, data, "application/octet-stream") for name, data in files])
    app.run()
    assert not app.exception
    return app


def _good(*seeds: int) -> dict[str, bytes]:
    return {f"{seed}.png": encode(plate(seed)) for seed in seeds}


def _product_with_images(services: Services) -> int:
    person = open_person(services, "engineer")
    product = create_product(services, person, name="Bracket")
    files = [IncomingFile(name, lambda data=data: data) for name, data in _good(1, 2).items()]  # type: ignore[misc]
    list(add_images(services, person, product_id=product.id, image_type="normal", files=files))
    return product.id


def _reopen(open_app: OpenApp, **address: object) -> AppTest:
    """Open the address as a browser does that was loaded again: nothing is left of the session."""
    app = open_app()
    app.switch_page(FIRST_INSPECTION)
    for name, value in address.items():
        app.query_params[name] = str(value)
    app.run()
    assert not app.exception
    return app


def test_one_button_registers_stores_and_deploys(open_app: OpenApp, services: Services) -> None:
    app = open_app(FIRST_INSPECTION)
    app.text_input(key="first_name").set_value("브래킷 A형")
    _choose(app, ("set.zip", make_zip({**_good(1, 2, 3), "broken.png": b"no image"})))
    assert "4 images of good parts" in texts(app)
    assert "few" in texts(app)
    press(app, "Import and deploy")
    (summary,) = list_products(services)
    assert (summary.product.name, summary.n_normal_train) == ("브래킷 A형", 3)
    waiting = sorted((job.id, job.kind) for job in views.list_unfinished(services))
    assert [kind for _id, kind in waiting] == [MEMORY_BANK, SIMILARITY_INDEX]
    assert app.query_params["product"] == str(summary.product.id)
    assert app.query_params["job"] == str(waiting[0][0])
    assert "“브래킷 A형” is being deployed" in texts(app).replace("\\", "")
    assert "Extracting features" in texts(app)


def test_a_reload_comes_back_to_the_running_deployment(open_app: OpenApp, services: Services) -> None:
    product_id = _product_with_images(services)
    job_id = queue.submit(services, open_person(services, "engineer"), kind=MEMORY_BANK, product_ids=[product_id])
    for address in ({"product": product_id, "job": job_id}, {"product": product_id}):
        assert "is being deployed" in texts(_reopen(open_app, **address))


def test_a_deployment_that_failed_says_why_and_can_be_tried_again(open_app: OpenApp, services: Services) -> None:
    product_id = _product_with_images(services)
    person = open_person(services, "engineer")
    job_id = queue.submit(services, person, kind=MEMORY_BANK, product_ids=[product_id])
    claim = claims.claim_next(services, "tests")
    assert claim is not None
    failed = {"product_id": product_id, "outcome": "failed", "error_code": "no_normal_images", "error_params": {}}
    claims.report(services, claim, result={"outcomes": [failed]})
    claims.finish(services, claim, state="succeeded")
    app = _reopen(open_app, product=product_id, job=job_id)
    assert "was not deployed" in texts(app)
    assert app.error
    press(app, "Try again")
    assert "is being deployed" in texts(app)
    assert app.query_params["job"] != str(job_id)


def test_what_is_missing_is_said_and_nothing_is_stored(open_app: OpenApp, services: Services) -> None:
    app = press(open_app(FIRST_INSPECTION), "Import and deploy")
    assert "name" in app.error[0].value
    app.text_input(key="first_name").set_value("Bracket")
    press(app, "Import and deploy")
    assert "No file is chosen yet" in app.error[0].value
    _choose(app, ("set.zip", make_zip({"a/1.png": encode(plate(1)), "b/2.png": encode(plate(2))})))
    press(app, "Import and deploy")
    assert "Say what these folders hold" in app.error[0].value.replace("\\", "")
    assert not list_products(services)


def test_files_that_are_all_refused_are_named_and_others_can_be_chosen(open_app: OpenApp, services: Services) -> None:
    app = open_app(FIRST_INSPECTION)
    app.text_input(key="first_name").set_value("Bracket")
    _choose(app, ("a.png", b"no image"))
    press(app, "Import and deploy")
    assert "None of the files could be stored" in app.error[0].value
    assert "a.png" in texts(app)
    (summary,) = list_products(services)
    assert app.query_params["product"] == str(summary.product.id)
    _choose(app, *_good(1).items())
    press(app, "Import and deploy")
    assert [found.n_normal_train for found in list_products(services)] == [1]
    assert "is being deployed" in texts(app)


def test_folders_that_say_nothing_are_decided_on_the_page(open_app: OpenApp, services: Services) -> None:
    app = open_app(FIRST_INSPECTION)
    app.text_input(key="first_name").set_value("Bracket")
    _choose(app, ("set.zip", make_zip({"a/1.png": encode(plate(1)), "b/2.png": encode(plate(2, "spot"))})))
    first, second = (box for box in app.selectbox if str(box.key).startswith("first_use"))
    first.set_value("good")
    second.set_value("defect")
    press(app.run(), "Import and deploy")
    (summary,) = list_products(services)
    assert (summary.n_normal_train, summary.n_defect_train) == (1, 1)
    assert [row.name_ko for row in list_defect_types(services, summary.product.id)] == ["b"]


def test_several_products_in_one_file_go_through_the_plan_of_an_import(open_app: OpenApp, services: Services) -> None:
    app = open_app(FIRST_INSPECTION)
    files = {f"{product}/train/good/{n}.png": encode(plate(n)) for product in ("cap", "nut") for n in (1, 2)}
    files |= {f"{product}/test/dent/9.png": encode(plate(9, "spot")) for product in ("cap", "nut")}
    _choose(app, ("set.zip", make_zip(files)))
    assert "several products: cap, nut" in texts(app)
    assert not [button for button in app.button if button.key == "first_go"]
    press(app, "Go through the plan")
    assert [title.value for title in app.title] == ["Import images"]
    assert {metric.label: metric.value for metric in app.metric}["Will be taken in"] == "6"
    assert not list_products(services)


def test_known_defects_need_a_name(open_app: OpenApp, services: Services) -> None:
    app = open_app(FIRST_INSPECTION)
    app.text_input(key="first_name").set_value("Bracket")
    _choose(app, *_good(1).items())
    _choose(app, ("x.png", encode(plate(5, "spot"))), field="first_bad_0")
    press(app, "Import and deploy")
    assert "what the defect is called" in app.error[0].value
    app.text_input(key="first_defect_name").set_value("얼룩").run()
    press(app, "Import and deploy")
    (summary,) = list_products(services)
    assert (summary.n_normal_train, summary.n_defect_train) == (1, 1)


def test_a_product_with_images_is_deployed_without_new_ones(open_app: OpenApp, services: Services) -> None:
    product_id = _product_with_images(services)
    app = _reopen(open_app, product=product_id)
    assert "2 normal images for training already" in texts(app)
    press(app, "Deploy")
    assert "is being deployed" in texts(app)


def test_a_product_that_is_ready_shows_its_figures_and_leads_to_the_inspection(
    open_deployed: OpenApp, deployed: Services
) -> None:
    (summary,) = list_products(deployed)
    app = _reopen(open_deployed, product=summary.product.id)
    said = texts(app).replace("\\", "")
    assert "“Solar cell” is ready" in said
    figures = {metric.label: metric.value for metric in app.metric}
    assert int(figures["Good images learned"]) + int(figures["Set apart"]) == 24
    assert "Good parts held back" in said
    press(app, "Add images")
    assert "24 normal images for training already" in texts(app)
    app = press(_reopen(open_deployed, product=summary.product.id), "Inspect now")
    assert [title.value for title in app.title] == ["Inspect a part"]
    assert app.session_state["chosen_product_id"] == summary.product.id


def test_the_same_images_again_lead_to_the_model_that_is_there(open_deployed: OpenApp, deployed: Services) -> None:
    (summary,) = list_products(deployed)
    stored = list_images(deployed, summary.product.id, image_type="normal", split="train").rows[0]
    app = _reopen(open_deployed, product=summary.product.id, adding=1)
    _choose(app, (stored.original_name, deployed.objects.get(stored.object_key)))
    press(app, "Import and deploy")
    assert "is ready" in texts(app)
    assert "1 already there" in texts(app)
    assert not views.list_unfinished(deployed)


def test_a_link_to_a_product_that_is_gone_says_so(open_app: OpenApp, services: Services) -> None:
    product_id = _product_with_images(services)
    set_product_active(services, open_person(services, "engineer"), product_id, False)
    for product in (product_id, 999, "x"):
        app = _reopen(open_app, product=product)
        assert bool(app.warning) == (product != "x")
        assert app.text_input(key="first_name").value == ""


def test_the_navigation_lists_the_screen_until_a_model_is_in_use(open_app: OpenApp) -> None:
    assert "First inspection · Overview" in open_app().selectbox(key="jump").options
    assert "First inspection · Overview" not in open_app(role="worker").selectbox(key="jump").options


def test_with_a_model_in_use_the_screen_is_reached_from_the_products(open_deployed: OpenApp) -> None:
    app = open_deployed(PRODUCTS)
    assert "First inspection · Overview" not in app.selectbox(key="jump").options
    assert "Guided start" in [link.proto.label for link in app.get("page_link")]


def test_a_new_product_is_marked_and_its_next_step_is_said(open_app: OpenApp, services: Services) -> None:
    create_product(services, open_person(services, "engineer"), name="Axle", code="a-first")
    app = press(open_app(PRODUCTS), "New product")
    app.text_input(key="product_create_name").set_value("Bracket")
    app = press(app, "Register")
    said = texts(app).replace("\\", "")
    assert "“Bracket” is registered" in said
    assert said.index("**Bracket**") < said.index("**Axle**")
    assert "New]" in said
    app = press(app, "Close")
    assert "is registered" not in texts(app)


def test_the_end_of_a_build_leads_to_the_inspection(open_deployed: OpenApp, deployed: Services) -> None:
    app = press(open_deployed(MEMORY_BANKS), "Inspect now")
    assert [title.value for title in app.title] == ["Inspect a part"]


def test_a_worker_is_not_led_to_what_needs_an_engineer(open_app: OpenApp) -> None:
    assert not open_app(INSPECT_PART, role="worker").get("page_link")
