"""Sentences of the executors, which do the work of deployments."""

from core.i18n import N_

EXECUTOR_MESSAGES: dict[str, str] = {
    "setting_ray_missing": N_(
        'GEOMSA_EXECUTOR is ray, but Ray is not installed. Run "make setup EXTRA=ray", or set it to local.'
    ),
    "setting_not_host_and_port": N_("{name} must be a host and a port, such as 10.0.0.5:6379."),
    "executor_unreachable": N_(
        "The Ray cluster at {address} does not answer, or does not let this machine in. Start it, or check GEOMSA_RAY_ADDRESS and Ray's token; the active model was not touched."
    ),
    "executor_not_started": N_(
        "Ray could not be started on this machine. Deploy again when it is less busy, or set GEOMSA_EXECUTOR to local; the active model was not touched."
    ),
    "executor_lost": N_(
        "The Ray cluster stopped answering during the deployment. Start it and deploy again; products that were finished stay so."
    ),
    "executor_without_gpu": N_(
        "GEOMSA_DEVICE is cuda, but no machine of the Ray cluster has a GPU. Add one, or set it to auto or cpu."
    ),
    "executor_other_database": N_(
        "A machine of the Ray cluster is set up for another database. Give all of them the same GEOMSA_ settings and deploy again."
    ),
}
