"""AWS's service models: which are there, and which are read only for who asks."""

import gc

import pytest

from crossdock.app.models import AT_START, SELDOM, load_models


def test_every_model_is_there_and_no_other() -> None:
    models = load_models()
    assert set(models) == {*AT_START, *SELDOM}
    assert len(models) == len(set(models))
    assert all(name in models for name in models)
    assert "sqs" not in models
    assert models.get("sqs") is None
    with pytest.raises(KeyError):
        models["sqs"]


@pytest.mark.parametrize("name", [*AT_START, *SELDOM])
def test_a_model_is_that_of_its_service_and_read_once(name: str) -> None:
    models = load_models()
    assert models[name].service_name == name
    assert models[name] is models[name]


def test_to_read_what_few_ask_for_sets_no_garbage_of_sessions_aside_for_ever() -> None:
    models = load_models()
    frozen = gc.get_freeze_count()
    models["ec2"]
    assert gc.get_freeze_count() == frozen
