{{- /* What each role is told (options of `cordboard run` by environment), and the sockets and probes that it really has. */ -}}

{{- define "cordboard.env" -}}
- name: CORDBOARD_SITE
  value: {{ .Values.site | quote }}
- name: CORDBOARD_NATS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.nats.existingSecret }}
      key: {{ .Values.nats.urlKey }}
{{- with .Values.nats.monitorUrl }}
- name: CORDBOARD_NATS_MONITOR_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.nats.replicas }}
- name: CORDBOARD_NATS_REPLICAS
  value: {{ . | quote }}
{{- end }}
{{- with .Values.nats.inboxMax }}
- name: CORDBOARD_INBOX_MAX
  value: {{ . | quote }}
{{- end }}
{{- with .Values.nats.journalMax }}
- name: CORDBOARD_JOURNAL_MAX
  value: {{ . | quote }}
{{- end }}
- name: CORDBOARD_HOST
  value: {{ .Values.listen | quote }}
{{- with .Values.archive }}
{{- if .place }}
# Every role: what was trimmed from the journal is read from there.
- name: CORDBOARD_ARCHIVE
  value: {{ .place | quote }}
{{- if .existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .accessKeyKey }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretKeyKey }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "cordboard.viewsEnv" -}}
- name: CORDBOARD_VIEWS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.views.existingSecret }}
      key: {{ .Values.views.urlKey }}
{{- end }}

{{- define "cordboard.vaultUrlEnv" -}}
- name: CORDBOARD_VAULT_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.vault.existingSecret }}
      key: {{ .Values.vault.urlKey }}
{{- end }}

{{- define "cordboard.vaultEnv" -}}
{{ include "cordboard.vaultUrlEnv" . }}
# The key itself, not a file: it wins over any file, and nothing on a disk holds it.
- name: CORDBOARD_KEK
  valueFrom:
    secretKeyRef:
      name: {{ .Values.vault.existingSecret }}
      key: {{ .Values.vault.kekKey }}
{{- end }}

{{- /* A port for probes and metrics alone: however full the doors of a process are, it answers there while its loop turns. */}}
{{- define "cordboard.healthEnv" -}}
- name: CORDBOARD_HEALTH_PORT
  value: "7481"
{{- end }}

{{- define "cordboard.health" -}}
startupProbe:
  httpGet: {path: /healthz, port: {{ .port }}}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: {{ div .catchUpSeconds 5 }}
livenessProbe:
  httpGet: {path: /healthz, port: {{ .port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: {{ .port }}}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
{{- end }}

{{- define "cordboard.router.env" -}}
{{ include "cordboard.healthEnv" . }}
{{- end }}

{{- define "cordboard.router.sockets" -}}
ports:
  - name: health
    containerPort: 7481
# /healthz: the process answers. /readyz: it leads, or stands by.
{{ include "cordboard.health" (dict "port" "health" "catchUpSeconds" .Values.router.catchUpSeconds) }}
{{- end }}

{{- define "cordboard.projector.env" -}}
{{ include "cordboard.viewsEnv" . }}
{{ include "cordboard.healthEnv" . }}
{{- end }}

{{- define "cordboard.projector.sockets" -}}
ports:
  - name: health
    containerPort: 7481
# /healthz: the process answers. /readyz: the history keeps up with the journal.
{{ include "cordboard.health" (dict "port" "health" "catchUpSeconds" .Values.projector.catchUpSeconds) }}
{{- end }}

{{- define "cordboard.archiver.env" -}}
{{ include "cordboard.healthEnv" . }}
{{- end }}

{{- define "cordboard.archiver.sockets" -}}
ports:
  - name: health
    containerPort: 7481
# /healthz: the process answers. /readyz: the storage takes what comes.
{{ include "cordboard.health" (dict "port" "health" "catchUpSeconds" .Values.archiver.catchUpSeconds) }}
{{- end }}

{{- define "cordboard.dialler.env" -}}
{{ include "cordboard.vaultEnv" . }}
{{ include "cordboard.healthEnv" . }}
- name: CORDBOARD_VOICE
  valueFrom:
    secretKeyRef:
      name: {{ .Values.dialler.voice.existingSecret }}
      key: {{ .Values.dialler.voice.urlKey }}
- name: CORDBOARD_DIALS_MAX
  value: {{ .Values.dialler.dialsMax | quote }}
{{- end }}

{{- define "cordboard.dialler.sockets" -}}
ports:
  - name: health
    containerPort: 7481
# /healthz: the process answers. /readyz: it has read the journal, and rings.
{{ include "cordboard.health" (dict "port" "health" "catchUpSeconds" .Values.dialler.catchUpSeconds) }}
{{- end }}

{{- define "cordboard.gateway.env" -}}
{{ include "cordboard.viewsEnv" . }}
{{ include "cordboard.vaultEnv" . }}
- name: CORDBOARD_HTTP_PORT
  value: "7480"
{{ include "cordboard.healthEnv" . }}
- name: CORDBOARD_GRACE_S
  value: {{ .Values.gateway.graceSeconds | quote }}
{{- if .Values.gateway.behindProxy }}
- name: CORDBOARD_BEHIND_PROXY
  value: "true"
{{- end }}
{{- with .Values.gateway.publicUrl }}
- name: CORDBOARD_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.gateway.callbackNumbers }}
- name: CORDBOARD_CALLBACK_NUMBERS
  value: {{ . | quote }}
{{- end }}
{{- with .Values.gateway.mail }}
- name: CORDBOARD_SMTP_PORT
  value: {{ .enabled | ternary "2525" "-1" | quote }}
{{- with .hostname }}
- name: CORDBOARD_SMTP_HOSTNAME
  value: {{ . | quote }}
{{- end }}
{{- if .tlsSecret }}
- name: CORDBOARD_SMTP_CERT
  value: /etc/cordboard/smtp-tls/tls.crt
- name: CORDBOARD_SMTP_KEY
  value: /etc/cordboard/smtp-tls/tls.key
{{- end }}
{{- if .relay.existingSecret }}
- name: CORDBOARD_SMTP_RELAY
  valueFrom:
    secretKeyRef:
      name: {{ .relay.existingSecret }}
      key: {{ .relay.urlKey }}
{{- end }}
{{- if .mailboxes.existingSecret }}
- name: CORDBOARD_MAILBOXES
  value: /etc/cordboard/mailboxes/mailboxes.yaml
{{- end }}
{{- end }}
{{- if .Values.gateway.webhooks.existingSecret }}
- name: CORDBOARD_WEBHOOK_SECRETS
  value: /etc/cordboard/webhooks/webhooks.yaml
{{- end }}
{{- end }}

{{- /* Files of the gateway that come from Secrets, as JSON: name, Secret, and which key becomes which file. */}}
{{- define "cordboard.gateway.files" -}}
{{- $files := list }}
{{- with .Values.gateway }}
{{- with .webhooks.existingSecret }}{{ $files = append $files (dict "name" "webhooks" "secret" . "items" (dict $.Values.gateway.webhooks.key "webhooks.yaml")) }}{{ end }}
{{- with .mail.mailboxes.existingSecret }}{{ $files = append $files (dict "name" "mailboxes" "secret" . "items" (dict $.Values.gateway.mail.mailboxes.key "mailboxes.yaml")) }}{{ end }}
{{- with .mail.tlsSecret }}{{ $files = append $files (dict "name" "smtp-tls" "secret" . "items" (dict "tls.crt" "tls.crt" "tls.key" "tls.key")) }}{{ end }}
{{- end }}
{{- toJson $files }}
{{- end }}

{{- define "cordboard.gateway.sockets" -}}
ports:
  - name: http
    containerPort: 7480
  {{- if .Values.gateway.mail.enabled }}
  - name: smtp
    containerPort: 2525
  {{- end }}
  - name: health
    containerPort: 7481
# /healthz: the process answers. /readyz: it has read the journal, and the site has a policy. Neither is asked on the port of the
# chats: with as many connections as it may have, that one answers 503 to everybody, and the pod must keep those it has.
{{ include "cordboard.health" (dict "port" "health" "catchUpSeconds" .Values.gateway.catchUpSeconds) }}
lifecycle:
  preStop:
    sleep: {seconds: 5}
{{- end }}

{{- define "cordboard.api.env" -}}
{{ include "cordboard.viewsEnv" . }}
{{ include "cordboard.vaultEnv" . }}
- name: CORDBOARD_GRPC_PORT
  value: "7401"
{{- /* Its probes are gRPC's own; that port is for metrics alone. */}}
{{- if .Values.metrics.enabled }}
{{ include "cordboard.healthEnv" . }}
{{- end }}
- name: CORDBOARD_SESSION_GRACE_S
  value: {{ .Values.api.sessionGraceSeconds | quote }}
{{- end }}

{{- define "cordboard.api.sockets" -}}
ports:
  - name: grpc
    containerPort: 7401
  {{- if .Values.metrics.enabled }}
  - name: health
    containerPort: 7481
  {{- end }}
# Health is NOT_SERVING until the process has read the journal, which the start-up probe waits for; it does not depend on NATS after.
startupProbe:
  grpc: {port: 7401}
  periodSeconds: 5
  timeoutSeconds: 2
  failureThreshold: {{ div .Values.api.catchUpSeconds 5 }}
livenessProbe:
  grpc: {port: 7401}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  grpc: {port: 7401}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
# Endpoints are taken back while it still serves; watches then end at once and their clients go elsewhere.
lifecycle:
  preStop:
    sleep: {seconds: 5}
{{- end }}
