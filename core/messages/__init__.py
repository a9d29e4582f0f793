"""The sentence of every error code: what happened, to what, and what to do. Each is the msgid of its translation."""

from core.messages.administration.auditing import AUDITING_MESSAGES
from core.messages.administration.backups import BACKUPS_MESSAGES
from core.messages.administration.operation import OPERATION_MESSAGES
from core.messages.administration.people import PEOPLE_MESSAGES
from core.messages.administration.sign_in import SIGN_IN_MESSAGES
from core.messages.administration.store_moves import STORE_MOVES_MESSAGES
from core.messages.annotations import ANNOTATION_MESSAGES
from core.messages.api import API_MESSAGES
from core.messages.batches import BATCH_MESSAGES
from core.messages.catalog import CATALOG_MESSAGES
from core.messages.deployments import DEPLOYMENT_MESSAGES
from core.messages.files import FILE_MESSAGES
from core.messages.gauge import GAUGE_MESSAGES
from core.messages.guidance import GUIDANCE_MESSAGES
from core.messages.history import HISTORY_MESSAGES
from core.messages.judgments import JUDGMENT_MESSAGES, REPLAY_MESSAGES
from core.messages.manual_files import MANUAL_FILE_MESSAGES
from core.messages.manuals import MANUAL_MESSAGES
from core.messages.methods.comparisons import COMPARISONS_MESSAGES
from core.messages.methods.datasets import DATASETS_MESSAGES
from core.messages.methods.fusion import FUSION_MESSAGES
from core.messages.methods.training import METHOD_TRAINING_MESSAGES
from core.messages.methods.views import VIEWS_MESSAGES
from core.messages.methods.visual_questions import VISUAL_QUESTIONS_MESSAGES
from core.messages.model_reports import MODEL_REPORT_MESSAGES
from core.messages.models import MODEL_MESSAGES
from core.messages.preprocessing import PREPROCESSING_MESSAGES
from core.messages.reports import REPORT_MESSAGES
from core.messages.stored_files import STORED_FILE_MESSAGES
from core.messages.system import SYSTEM_MESSAGES
from core.messages.training.adapters import ADAPTERS_MESSAGES
from core.messages.training.assistant import ASSISTANT_MESSAGES
from core.messages.training.configuration import CONFIGURATION_MESSAGES
from core.messages.training.dense import DENSE_MESSAGES
from core.messages.training.experiments import EXPERIMENTS_MESSAGES
from core.messages.training.exports import EXPORTS_MESSAGES
from core.messages.training.recipes import RECIPES_MESSAGES
from core.messages.training.runs import RUNS_MESSAGES
from core.messages.training.tracking import TRACKING_MESSAGES
from core.messages.watching import WATCH_MESSAGES

MESSAGES: dict[str, str] = {
    **SYSTEM_MESSAGES,
    **STORED_FILE_MESSAGES,
    **FILE_MESSAGES,
    **ANNOTATION_MESSAGES,
    **MANUAL_FILE_MESSAGES,
    **GAUGE_MESSAGES,
    **GUIDANCE_MESSAGES,
    **MANUAL_MESSAGES,
    **CATALOG_MESSAGES,
    **DEPLOYMENT_MESSAGES,
    **HISTORY_MESSAGES,
    **JUDGMENT_MESSAGES,
    **MODEL_MESSAGES,
    **PREPROCESSING_MESSAGES,
    **REPLAY_MESSAGES,
    **MODEL_REPORT_MESSAGES,
    **REPORT_MESSAGES,
    **WATCH_MESSAGES,
    **API_MESSAGES,
    **BATCH_MESSAGES,
    **VIEWS_MESSAGES,
    **FUSION_MESSAGES,
    **DATASETS_MESSAGES,
    **COMPARISONS_MESSAGES,
    **METHOD_TRAINING_MESSAGES,
    **VISUAL_QUESTIONS_MESSAGES,
    **CONFIGURATION_MESSAGES,
    **DENSE_MESSAGES,
    **RUNS_MESSAGES,
    **EXPERIMENTS_MESSAGES,
    **EXPORTS_MESSAGES,
    **ADAPTERS_MESSAGES,
    **ASSISTANT_MESSAGES,
    **RECIPES_MESSAGES,
    **TRACKING_MESSAGES,
    **PEOPLE_MESSAGES,
    **SIGN_IN_MESSAGES,
    **AUDITING_MESSAGES,
    **BACKUPS_MESSAGES,
    **STORE_MOVES_MESSAGES,
    **OPERATION_MESSAGES,
}
