"""Every enumeration of the product, defined once. Standard library only: importing it loads nothing else."""

from enum import StrEnum


class SessionStage(StrEnum):
    """Where a session stands; stages are passed in this order and none is skipped."""

    SITE_INFO_COLLECTION = "site_info_collection"
    UPLOAD = "upload"
    PROCESSING = "processing"
    REVIEW = "review"
    JIRA_EXPORT = "jira_export"
    COMPLETED = "completed"


class SessionStatus(StrEnum):
    """Whether work on a session can go on."""

    ACTIVE = "active"
    EXPORTING = "exporting"
    FAILED = "failed"
    COMPLETED = "completed"


class TaskType(StrEnum):
    """Background work that holds a session: one at a time per session."""

    PROCESSING = "processing"
    EXPORT = "export"
    ADF_VALIDATION = "adf_validation"


class TaskStatus(StrEnum):
    """The life of one background run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class AdfValidationStatus(StrEnum):
    """The state of the last ADF validation of a session."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class FileValidationStatus(StrEnum):
    """The state of an uploaded file."""

    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"


class TypeSetBy(StrEnum):
    """Who said what tab an uploaded file is."""

    DETECTION = "detection"
    PERSON = "person"


class JiraUploadStatus(StrEnum):
    """Whether an attachment is in Jira."""

    PENDING = "pending"
    UPLOADED = "uploaded"
    FAILED = "failed"


class EventCategory(StrEnum):
    """What part of the product an audit entry speaks of."""

    SESSION = "session"
    UPLOAD = "upload"
    PROCESSING = "processing"
    REVIEW = "review"
    JIRA_EXPORT = "jira_export"
    SYSTEM = "system"


class AuditLevel(StrEnum):
    """How much an audit entry keeps: who, what and ids; or the values before and after as well."""

    BASIC = "basic"
    COMPREHENSIVE = "comprehensive"


class ErrorCategory(StrEnum):
    """Who can fix an error."""

    USER_FIXABLE = "user_fixable"
    ADMIN_REQUIRED = "admin_required"
    TEMPORARY = "temporary"


class ErrorSeverity(StrEnum):
    """How much a finding or an error weighs."""

    BLOCKING = "blocking"
    WARNING = "warning"
    INFO = "info"


class WrittenBy(StrEnum):
    """Who wrote the prose of a ticket."""

    MODEL = "model"
    MODEL_AFTER_REPAIR = "model_after_repair"
    OFFLINE = "offline"
    OFFLINE_AFTER_REFUSAL = "offline_after_refusal"
    PERSON = "person"


class EntityGroup(StrEnum):
    """The part of the site a ticket belongs to; its name is what people read."""

    CONTENT = "Content"
    MEDIA = "Media"
    VIEWS = "Views"
    MIGRATION = "Migration"
    WORKFLOW = "Workflow"
    USER_ROLES = "User Roles"
    CUSTOM = "Custom"


class IntentStatus(StrEnum):
    """The outcome of one request to create an issue, as far as it is known."""

    OPEN = "open"
    CREATED = "created"
    REFUSED = "refused"


class ReviewDecision(StrEnum):
    """What a person decides at the end of a review round."""

    APPROVE = "approve"
    CHANGE = "change"
    REGENERATE = "regenerate"
    ROLL_BACK = "roll_back"
    CANCEL = "cancel"
