"""Forms of secrets: what tokens of known issuers look like, and words that stand in each."""

from __future__ import annotations

from typing import NamedTuple


class Form(NamedTuple):
    """A form: any text of it holds one of `words`, in small letters; `pattern` is RE2's, its first group the secret."""

    kind: str
    words: tuple[bytes, ...]
    pattern: str


_END = r"(?:[^A-Za-z0-9_-]|$)"
_START = r"(?:^|[^A-Za-z0-9_-])"


def _token(kind: str, *prefixes: str, rest: str) -> Form:
    """Return the form of a token that begins with one of `prefixes` and goes on as `rest`."""
    either = "|".join(prefix.replace(".", r"\.") for prefix in prefixes)
    return Form(kind, tuple(prefix.lower().encode() for prefix in prefixes), f"{_START}((?:{either}){rest}){_END}")


FORMS: tuple[Form, ...] = (
    _token("aws-access-key", "AKIA", "ASIA", "ABIA", "ACCA", rest="[A-Z2-7]{16}"),
    _token("github-token", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", rest="[A-Za-z0-9]{36,251}"),
    _token("github-token", "github_pat_", rest="[A-Za-z0-9_]{82}"),
    _token("gitlab-token", "glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glsoat-", rest="[A-Za-z0-9_.-]{20,}"),
    _token("anthropic-key", "sk-ant-", rest="[A-Za-z0-9_-]{24,}"),
    _token("openai-key", "sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-", rest="[A-Za-z0-9_-]{40,}"),
    _token("openai-key", "sk-", rest="[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    _token("openrouter-key", "sk-or-v1-", rest="[a-f0-9]{64}"),
    _token("api-key", "sk-", rest="[A-Za-z0-9]{32,64}"),
    _token("google-key", "AIza", rest="[A-Za-z0-9_-]{35}"),
    _token("google-oauth", "GOCSPX-", rest="[A-Za-z0-9_-]{28}"),
    _token("google-oauth", "ya29.", rest="[A-Za-z0-9_-]{30,}"),
    _token("slack-token", "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxe-", "xapp-", rest="[A-Za-z0-9-]{20,}"),
    Form(
        "slack-webhook",
        (b"hooks.slack.com",),
        r"(hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_+-]{40,})",
    ),
    _token("stripe-key", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", rest="[A-Za-z0-9]{10,99}"),
    _token("stripe-webhook", "whsec_", rest="[A-Za-z0-9+/=]{32,}"),
    _token("sendgrid-key", "SG.", rest=r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    Form("twilio-key", (b"twilio",), rf"{_START}(SK[0-9a-f]{{32}}){_END}"),
    _token("mailgun-key", "key-", rest="[a-f0-9]{32}"),
    Form("mailchimp-key", (b"-us",), rf"{_START}([0-9a-f]{{32}}-us[0-9]{{1,2}}){_END}"),
    _token("npm-token", "npm_", rest="[A-Za-z0-9]{36}"),
    _token("pypi-token", "pypi-AgEIcHlwaS5vcmc", "pypi-AgENdGVzdC5weXBpLm9yZw", rest="[A-Za-z0-9_-]{50,}"),
    _token("huggingface-token", "hf_", "api_org_", rest="[A-Za-z]{34}"),
    _token("digitalocean-token", "dop_v1_", "doo_v1_", "dor_v1_", rest="[a-f0-9]{64}"),
    _token("shopify-token", "shpat_", "shpca_", "shppa_", "shpss_", rest="[a-fA-F0-9]{32}"),
    _token("square-token", "EAAA", "sq0atp-", "sq0csp-", rest="[A-Za-z0-9_-]{22,60}"),
    _token("databricks-token", "dapi", rest="[a-f0-9]{32}(?:-[0-9])?"),
    _token("vault-token", "hvs.", "hvb.", "hvr.", rest="[A-Za-z0-9_-]{24,}"),
    _token("doppler-token", "dp.pt.", "dp.st.", "dp.ct.", "dp.sa.", rest="[A-Za-z0-9_.-]{40,}"),
    _token("linear-key", "lin_api_", "lin_oauth_", rest="[A-Za-z0-9]{32,}"),
    _token("notion-token", "ntn_", "secret_", rest="[A-Za-z0-9]{43,50}"),
    _token("atlassian-token", "ATATT3", "ATCTT3", rest="[A-Za-z0-9_=-]{180,}"),
    _token("postman-key", "PMAK-", rest="[a-f0-9]{24}-[a-f0-9]{34}"),
    _token("newrelic-key", "NRAK-", rest="[A-Z0-9]{27}"),
    _token("grafana-token", "glc_", "glsa_", rest="[A-Za-z0-9+/=_]{32,}"),
    _token("sentry-token", "sntrys_", "sntryu_", rest="[A-Za-z0-9+/=_-]{40,}"),
    _token("pulumi-token", "pul-", rest="[a-f0-9]{40}"),
    _token("planetscale-token", "pscale_tkn_", "pscale_pw_", "pscale_oauth_", rest="[A-Za-z0-9_.=-]{32,64}"),
    _token("fly-token", "fm1_", "fm2_", "fo1_", rest="[A-Za-z0-9+/=_-]{40,}"),
    _token("docker-token", "dckr_pat_", "dckr_oat_", rest="[A-Za-z0-9_-]{24,}"),
    _token("groq-key", "gsk_", rest="[A-Za-z0-9]{48,56}"),
    _token("perplexity-key", "pplx-", rest="[A-Za-z0-9]{40,56}"),
    _token("xai-key", "xai-", rest="[A-Za-z0-9]{70,90}"),
    _token("replicate-token", "r8_", rest="[A-Za-z0-9]{37}"),
    _token("tavily-key", "tvly-", rest="[A-Za-z0-9-]{28,}"),
    _token("age-key", "AGE-SECRET-KEY-1", rest="[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}"),
    Form("telegram-token", (b":aa",), rf"(?:^|[^0-9])([0-9]{{8,10}}:AA[A-Za-z0-9_-]{{33}}){_END}"),
    Form("discord-webhook", (b"discord",), r"(discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,})"),
    Form("azure-storage-key", (b"accountkey=",), r"(?i)AccountKey=([A-Za-z0-9+/]{86}==)"),
    Form("jwt", (b"eyj",), rf"{_START}(eyJ[A-Za-z0-9_-]{{10,}}\.eyJ[A-Za-z0-9_-]{{10,}}\.[A-Za-z0-9_-]{{20,}}){_END}"),
    Form(
        "private-key",
        (b"private key",),
        r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----[^-]+(?:-----END [A-Z ]{0,30}-----)?)",
    ),
    Form(
        "password-in-url",
        (b"://",),
        r"[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{1,64}:([^\s/@\"'<>]{3,128})@[A-Za-z0-9.\[-]",
    ),
    Form(
        "assigned-secret",
        (
            b"secret",
            b"password",
            b"passwd",
            b"api_key",
            b"apikey",
            b"api-key",
            b"access_key",
            b"auth_token",
            b"private_key",
        ),
        r"(?i)(?:secret|password|passwd|api[_-]?key|access[_-]?key|auth[_-]?token|private[_-]?key)[A-Za-z0-9_.-]{0,20}"
        r"[\"']?\s{0,3}(?:=|:|:=|=>)\s{0,3}[\"']?([A-Za-z0-9+/_.=~!@#$%^&*-]{16,200})",
    ),
)
"""Every form. `assigned-secret` counts only where what is assigned looks like chance: see `detector`."""
