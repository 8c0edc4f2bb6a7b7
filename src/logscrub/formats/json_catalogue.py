"""The JSON log formats that are known, each a field map."""

import re
from urllib.parse import unquote

import pyarrow as pa

from logscrub.formats.json_fields import FieldMap, parse_field_map
from logscrub.formats.json_lines import JsonEvents, JsonFormat


def percent_decoded(text: pa.Array) -> pa.Array:
    """Undo percent-encoding (RFC 3986 section 2.1) of distinct strings; what is no UTF-8 becomes U+FFFD."""
    return pa.array([None if value is None else unquote(value) for value in text.to_pylist()], pa.string())


def _map(text: str, *, joined: bool = False) -> FieldMap:
    return FieldMap(parse_field_map(text).entries, joined)


NGINX = JsonFormat(
    "nginx_json",
    _map(
        """
        time=msec time=time_iso8601 time=time_local time=@timestamp time=timestamp time=time
        address=remote_addr address=client_ip
        forwarded=http_x_forwarded_for forwarded=x_forwarded_for forwarded=http_x_real_ip
        host=host host=http_host host=server_name host=vhost
        method=request_method method=method
        path=request_uri request=request url=uri query=args query=query_string
        status=status bytes=body_bytes_sent bytes=bytes_sent duration_s=request_time
        referrer=http_referer referrer=http_referrer referrer=referer referrer=referrer
        cookie=http_cookie user_agent=http_user_agent user_agent=user_agent language=http_accept_language
        """
    ),
    re.compile(rb'"(?:remote_addr|time_local|time_iso8601|body_bytes_sent|http_user_agent)"'),
    headers=("http_{snake}", "{snake}"),
)
"""nginx with `log_format … escape=json` or the default escapes; the keys are the names of its variables."""

CADDY = JsonFormat(
    "caddy_json",
    _map(
        """
        time=ts time=timestamp time=time
        address=request.client_ip address=request.remote_ip address=request.remote_addr
        forwarded=request.headers.X-Forwarded-For[0]
        host=request.host method=request.method path=request.uri
        status=status bytes=size duration_s=duration
        referrer=request.headers.Referer[0] cookie=request.headers.Cookie[0]
        user_agent=request.headers.User-Agent[0]
        language=request.headers.Accept-Language[0]
        """
    ),
    re.compile(rb'"request"\s*:\s*\{'),
    # An error of a handler is logged with its request, which the access log tells of too.
    refused=re.compile(rb'"logger"\s*:\s*"http\.log\.error'),
    headers=("request.headers.{canonical}[0]",),
)
"""Caddy 2, before 2.5 (`remote_addr` with its port) and after (`remote_ip`, `client_ip`)."""

TRAEFIK = JsonFormat(
    "traefik_json",
    _map(
        """
        time=StartUTC time=StartLocal time=time
        address=ClientHost address=ClientAddr forwarded=request_X-Forwarded-For[0]
        host=RequestHost host=RequestAddr method=RequestMethod path=RequestPath
        status=DownstreamStatus status=OriginStatus
        bytes=DownstreamContentSize bytes=OriginContentSize duration_ns=Duration
        referrer=request_Referer[0] cookie=request_Cookie[0] user_agent=request_User-Agent[0]
        language=request_Accept-Language[0]
        """
    ),
    re.compile(rb'"(?:RequestPath|DownstreamStatus|ClientHost)"'),
    headers=("request_{canonical}[0]",),
)

GCP_LB = JsonFormat(
    "gcp_lb_json",
    _map(
        """
        time=timestamp time=receiveTimestamp
        address=httpRequest.remoteIp method=httpRequest.requestMethod url=httpRequest.requestUrl
        status=httpRequest.status bytes=httpRequest.responseSize duration_s=httpRequest.latency
        referrer=httpRequest.referer user_agent=httpRequest.userAgent
        """
    ),
    re.compile(rb'"httpRequest"'),
)
"""Entries of Cloud Logging with an `httpRequest`, such as those of the external HTTP(S) load balancers."""

AZURE = JsonFormat(
    "azure_json",
    _map(
        """
        time=time time=timeStamp time=TimeGenerated
        address=properties.socketIp address=properties.clientIp address=properties.clientIP
        forwarded=properties.clientIp
        host=properties.hostName host=properties.originalHost host=properties.host
        method=properties.httpMethod path=properties.originalRequestUriWithArgs
        url=properties.requestUri query=properties.requestQuery
        status=properties.httpStatusCode status=properties.httpStatus
        bytes=properties.responseBytes bytes=properties.sentBytes duration_s=properties.timeTaken
        referrer=properties.referer referrer=properties.referrer user_agent=properties.userAgent
        """
    ),
    re.compile(rb'"(?:httpStatusCode|httpStatus)"'),
    # The firewall logs requests that the access log tells of too.
    refused=re.compile(rb'"category"\s*:\s*"[A-Za-z]*(?:Firewall|HealthProbe|Performance)Log"'),
)
"""Azure Front Door and Application Gateway, as diagnostic settings write them, one record a line."""

CLOUDFLARE = JsonFormat(
    "cloudflare_json",
    _map(
        """
        time=EdgeStartTimestamp time=EdgeEndTimestamp
        address=ClientIP host=ClientRequestHost method=ClientRequestMethod
        path=ClientRequestURI path=ClientRequestPath
        status=EdgeResponseStatus bytes=EdgeResponseBytes duration_ms=EdgeTimeToFirstByteMs
        referrer=ClientRequestReferer cookie=RequestHeaders.cookie user_agent=ClientRequestUserAgent
        language=RequestHeaders.accept-language
        """
    ),
    re.compile(rb'"(?:ClientRequest(?:URI|Path|Host)|EdgeStartTimestamp|EdgeResponseStatus)"'),
    headers=("RequestHeaders.{lower}",),
)
"""Cloudflare Logpush, http_requests; headers only where they were added as custom fields."""

FASTLY = JsonFormat(
    "fastly_json",
    _map(
        """
        time=timestamp time=time_start time=time address=client_ip
        host=host method=request_method method=request path=url
        status=response_status status=status
        bytes=response_body_size bytes=resp_body_size bytes=response_bytes
        duration_us=time_elapsed duration_us=elapsed_usec
        referrer=request_referer referrer=referer
        cookie=request_cookie user_agent=request_user_agent user_agent=user_agent
        language=request_accept_language
        """
    ),
    re.compile(rb'"(?:fastly_server|fastly_is_edge|request_user_agent|response_state)"'),
    headers=("request_{snake}",),
)
"""Fastly, with the keys of the examples in its guides; time_elapsed is in microseconds."""

AKAMAI = JsonFormat(
    "akamai_json",
    _map(
        """
        time=reqTimeSec address=cliIP forwarded=xForwardedFor host=reqHost method=reqMethod
        path=reqPath query=queryStr status=statusCode
        bytes=bytes bytes=totalBytes bytes=rspContentLen duration_ms=transferTimeMSec
        referrer=referer user_agent=UA language=accLang
        """
    ),
    re.compile(rb'"(?:reqTimeSec|cliIP)"'),
    clean=percent_decoded,
)
"""Akamai DataStream 2, which percent-encodes headers."""

ENVOY = JsonFormat(
    "envoy_json",
    _map(
        """
        time=start_time time=timestamp
        address=downstream_remote_address address=downstream_direct_remote_address
        forwarded=x-forwarded-for forwarded=x_forwarded_for host=authority host=:authority
        method=method method=:method
        path=x-envoy-original-path path=x-envoy-origin-path path=x_envoy_original_path path=path path=:path
        status=response_code bytes=bytes_sent duration_ms=duration
        referrer=referer cookie=cookie user_agent=user-agent user_agent=user_agent
        language=accept-language
        """
    ),
    re.compile(rb'"(?:response_flags|downstream_remote_address|upstream_cluster)"'),
    headers=("{lower}",),
)
"""Envoy, Envoy Gateway and Istio, with the keys of their default JSON formats."""

ECS = JsonFormat(
    "ecs_json",
    _map(
        """
        time=@timestamp
        address=source.ip address=source.address address=client.ip address=client.address
        forwarded=network.forwarded_ip forwarded=client.ip
        host=url.domain method=http.request.method
        path=url.path query=url.query url=url.original url=url.full
        status=http.response.status_code
        bytes=http.response.body.bytes bytes=http.response.bytes duration_ns=event.duration
        referrer=http.request.referrer user_agent=user_agent.original
        device_id=device.id user_id=user.id
        """,
        joined=True,
    ),
    re.compile(rb'"@timestamp"'),
    headers=("http.request.headers.{lower}",),
)
"""Elastic Common Schema 8, keys nested or joined."""

OTEL = JsonFormat(
    "otel_json",
    _map(
        """
        time=timeUnixNano time=timestamp time=time time=observedTimeUnixNano
        address=attributes.network.peer.address
        address=attributes.client.address address=attributes.http.client_ip
        forwarded=attributes.http.request.header.x-forwarded-for[0] forwarded=attributes.client.address
        host=attributes.server.address host=attributes.http.host
        method=attributes.http.request.method method=attributes.http.method
        path=attributes.url.path path=attributes.http.target query=attributes.url.query
        url=attributes.url.full url=attributes.http.url
        status=attributes.http.response.status_code status=attributes.http.status_code
        bytes=attributes.http.response.body.size
        referrer=attributes.http.request.header.referer[0]
        user_agent=attributes.user_agent.original user_agent=attributes.http.user_agent
        language=attributes.http.request.header.accept-language[0]
        cookie=attributes.http.request.header.cookie[0]
        device_id=attributes.device.id session_id=attributes.session.id user_id=attributes.user.id
        """,
        joined=True,
    ),
    re.compile(rb'"attributes'),
    headers=("attributes.http.request.header.{lower}[0]",),
)
"""OpenTelemetry log records with attributes as an object, one a line.

A line of OTLP (`resourceLogs`), which holds many records, is not supported: a line is a record.
"""

# A record may have several ids of one device, and another record only one of them: each joins by itself.
_OPENRTB = """
    address=device.ip address=device.ipv6 user_agent=device.ua language=device.language carrier=device.carrier
    connection_type=device.connectiontype
    device_id=device.ifa client_id=device.didsha1 client_id=device.didmd5
    session_id=device.dpidsha1 session_id=device.dpidmd5
    user_id=user.id user_id=user.buyeruid
    url=site.page host=site.domain host=app.bundle referrer=site.ref
"""
OPENRTB = JsonFormat(
    "openrtb",
    _map("time=ts time=time time=timestamp" + _OPENRTB + re.sub(r"(\w+=)", r"\1request.", _OPENRTB)),
    re.compile(rb'"imp"\s*:\s*\['),
)
"""OpenRTB 2.x bid requests, also as `request` of a line."""

SDK_EVENTS = JsonFormat(
    "sdk_event_json",
    _map(
        """
        time=timestamp time=time time=event_timestamp time=event_time time=originalTimestamp
        time=properties.time time=sentAt time=receivedAt
        address=context.ip address=ip_address address=ip address=properties.ip
        user_agent=context.userAgent user_agent=user_agent user_agent=userAgent
        user_agent=properties.$user_agent
        device_id=context.device.id device_id=device_id device_id=deviceId device_id=properties.$device_id
        device_id=device.advertising_id device_id=context.device.advertisingId
        client_id=anonymousId client_id=user_pseudo_id client_id=properties.distinct_id client_id=distinct_id
        user_id=userId user_id=user_id user_id=properties.$user_id
        session_id=context.sessionId session_id=session_id session_id=sessionId
        event=event event=event_name event=event_type event=type
        language=context.locale language=language language=device.language
        carrier=context.network.carrier carrier=carrier carrier=properties.$carrier
        path=context.page.path url=context.page.url url=properties.$current_url
        referrer=context.page.referrer referrer=properties.$referrer
        host=context.app.namespace
        """
    ),
    re.compile(
        rb'"(?:anonymousId|event_type|user_pseudo_id|distinct_id|event_timestamp|amplitude_id|advertisingId)"'
    ),
    has_events=True,
)
"""Events of mobile and web SDKs in the manner of Segment, Amplitude, Mixpanel and Firebase."""

JSON_FORMATS: tuple[JsonFormat, ...] = (
    NGINX,
    CADDY,
    TRAEFIK,
    GCP_LB,
    AZURE,
    CLOUDFLARE,
    FASTLY,
    AKAMAI,
    ENVOY,
    ECS,
    OTEL,
    OPENRTB,
    SDK_EVENTS,
    JsonEvents(),
)
"""All known JSON formats; the more special go first, the events of our own schema last."""
