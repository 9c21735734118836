"""What the mock engine hands over is made plain, and whatever would have no effect is an error."""

import pytest

from local.props import MISSING, SECRET_SIGNATURE, SIGNATURE_KEY, MissingOutputError, Props, missing, plain


def test_secrets_are_unwrapped_and_whole_numbers_are_whole():
    """AWS takes no marked secrets and no `60.0`; a half stays a half, and `True` is no number."""
    secret = {SIGNATURE_KEY: SECRET_SIGNATURE, "value": {"deep": 60.0}}

    assert plain({"a": [secret, 0.5, True]}) == {"a": [{"deep": 60}, 0.5, True]}
    assert plain({SIGNATURE_KEY: "another", "value": 1.0}) == {SIGNATURE_KEY: "another", "value": 1}


def test_an_output_that_nobody_returned_is_named_where_it_is_used():
    """Pulumi would hand on None, and a policy would say `None/*`."""
    policy = {"policy": f'{{"Resource": "{missing("aws:sqs/queue:Queue", "arn")}/x"}}'}

    with pytest.raises(MissingOutputError, match=r"aws:sqs/queue:Queue\.arn"):
        plain(policy)


def test_the_marker_survives_json():
    """Policies are JSON; a marker that JSON escapes would be missed inside of them."""
    assert MISSING.isascii()


def test_an_input_that_nobody_reads_is_remembered():
    """It would silently have no effect locally, and one on AWS."""
    props = Props({"read": 1, "asked": 2, "forgotten": 3, "meaningless": 4})
    props.has_no_effect("meaningless")

    assert (props["read"], props.get("asked"), props.get("absent")) == (1, 2, None)
    assert props.unread == ["forgotten"]


def test_taking_all_inputs_reads_them_all():
    """A handler that passes everything on has dealt with everything."""
    props = Props({"a": 1, "b": 2})

    assert {**props} == {"a": 1, "b": 2}
    assert props.unread == []


def test_asking_whether_an_input_is_set_does_not_read_it():
    """Otherwise a handler could look at an input and still do nothing with it."""
    props = Props({"a": 1})

    assert "a" in props
    assert props.unread == ["a"]
