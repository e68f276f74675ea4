"""How Organizations says no, in AWS's words.

Source: Organizations API Reference, the errors of each operation and their reasons.
"""

from crossdock.core.errors import ServiceError


def access_denied() -> ServiceError:
    """To a member account: what AWS lets only the management account do."""
    return ServiceError("AccessDeniedException", "You don't have permissions to access this resource.")


def not_in_use() -> ServiceError:
    return ServiceError("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


def no_such_policy() -> ServiceError:
    return ServiceError("PolicyNotFoundException", "You specified a policy that doesn't exist.")


def no_such_target() -> ServiceError:
    return ServiceError("TargetNotFoundException", "You specified a target that doesn't exist.")


def no_such_account() -> ServiceError:
    return ServiceError("AccountNotFoundException", "You specified an account that doesn't exist.")


def no_such_parent() -> ServiceError:
    return ServiceError("ParentNotFoundException", "You specified a parent that doesn't exist.")


def no_such_child() -> ServiceError:
    return ServiceError("ChildNotFoundException", "You specified a child that doesn't exist.")


def no_such_root() -> ServiceError:
    return ServiceError("RootNotFoundException", "You specified a root that doesn't exist.")


def name_taken() -> ServiceError:
    return ServiceError("DuplicatePolicyException", "A policy with the specified name and type already exists.")


def already_attached() -> ServiceError:
    return ServiceError(
        "DuplicatePolicyAttachmentException", "The selected policy is already attached to the specified target."
    )


def not_attached() -> ServiceError:
    return ServiceError("PolicyNotAttachedException", "The policy isn't attached to the specified target.")


def in_use() -> ServiceError:
    return ServiceError("PolicyInUseException", "You cannot delete a policy that is attached to a root or an account.")


def malformed_document(what: str) -> ServiceError:
    """AWS's sentence says next to nothing; what is wrong stands behind it."""
    sentence = "The provided policy document does not meet the requirements of the specified policy type."
    return ServiceError("MalformedPolicyDocumentException", f"{sentence} ({what})")


def type_not_available() -> ServiceError:
    return ServiceError(
        "PolicyTypeNotAvailableForOrganizationException",
        "Crossdock has service control policies and resource control policies, and no other type.",
    )


def type_not_enabled() -> ServiceError:
    return ServiceError(
        "PolicyTypeNotEnabledException", "This operation can be performed only for enabled policy types."
    )


def type_already_enabled() -> ServiceError:
    return ServiceError("PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")


def constraint_violation(reason: str, sentence: str) -> ServiceError:
    return ServiceError("ConstraintViolationException", sentence, members={"Reason": reason})


def invalid_input(reason: str, sentence: str) -> ServiceError:
    return ServiceError("InvalidInputException", sentence, members={"Reason": reason})
