from crossdock.policy.refusals import IAM_WORDS, S3_WORDS, MalformedPolicy, PolicyTooLong, Problem


def test_both_services_have_words_for_every_problem():
    for words in (IAM_WORDS, S3_WORDS):
        assert set(words) == set(Problem)
        assert all(sentence.format(text="x") for sentence in words.values())


def test_the_message_is_for_the_caller_and_the_detail_for_the_log():
    error = MalformedPolicy("Syntax errors in policy.", "statement 1: no Effect")
    assert str(error) == error.message == "Syntax errors in policy."
    assert error.detail == "statement 1: no Effect"
    assert isinstance(PolicyTooLong("too long"), MalformedPolicy)
