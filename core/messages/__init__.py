"""The sentence of every error code: what happened, to what, and what to do. Each is the msgid of its translation."""

from core.messages.catalog import CATALOG_MESSAGES
from core.messages.deployments import DEPLOYMENT_MESSAGES
from core.messages.executors import EXECUTOR_MESSAGES
from core.messages.files import FILE_MESSAGES
from core.messages.guidance import GUIDANCE_MESSAGES
from core.messages.judgments import JUDGMENT_MESSAGES
from core.messages.manual_files import MANUAL_FILE_MESSAGES
from core.messages.manuals import MANUAL_MESSAGES
from core.messages.models import MODEL_MESSAGES
from core.messages.preprocessing import PREPROCESSING_MESSAGES
from core.messages.replays import REPLAY_MESSAGES
from core.messages.stored_files import STORED_FILE_MESSAGES
from core.messages.system import SYSTEM_MESSAGES

MESSAGES: dict[str, str] = {
    **SYSTEM_MESSAGES,
    **STORED_FILE_MESSAGES,
    **FILE_MESSAGES,
    **MANUAL_FILE_MESSAGES,
    **GUIDANCE_MESSAGES,
    **MANUAL_MESSAGES,
    **CATALOG_MESSAGES,
    **DEPLOYMENT_MESSAGES,
    **JUDGMENT_MESSAGES,
    **EXECUTOR_MESSAGES,
    **MODEL_MESSAGES,
    **PREPROCESSING_MESSAGES,
    **REPLAY_MESSAGES,
}
