"""Sentences of health, logs, proxies and the security of an installation."""

from core.i18n import N_

OPERATION_MESSAGES: dict[str, str] = {
    "check_certificates_none": N_("Nothing is reached over HTTPS, so there is no certificate to watch."),
    "check_certificates": N_(
        "Certificates of the servers that Geomsa uses: {count}. The first one ends in {days} days."
    ),
    "check_certificates_soon": N_(
        "The certificate of {host} ends in {days} days. Have it renewed by whoever runs that server; afterwards nothing "
        "that needs it works."
    ),
    "check_certificates_expired": N_(
        "The certificate of {host} has expired, so Geomsa does not use that server. Have it renewed, and check the "
        "clock of this machine."
    ),
    "check_certificates_untrusted": N_(
        "The certificate of {host} is not trusted here. If an authority of your own has signed it, name its file in "
        "SSL_CERT_FILE (and AWS_CA_BUNDLE for the object store)."
    ),
    "check_certificates_silent": N_("No answer from {hosts}, so until when the certificate holds is not known."),
    "setting_secret_file": N_(
        '{name} names the file "{path}", which cannot be read here or does not hold one line of text. Check that it exists '
        "and that Geomsa's user may read it."
    ),
    "part_timed_out": N_(
        "No answer within {seconds} s. The server behind it, the network or the name service hangs; look there first. "
        "Work goes on by itself as soon as it responds again."
    ),
    "worker_silent": N_(
        'No worker has given a sign of life for 20 s, so jobs wait. Start one: "python -m core worker".'
    ),
    "model_files_missing": N_(
        "The object store does not hold the files of a model that is in use. Deploy the product again, or restore the "
        "files from a backup."
    ),
}
