{{- /* The pod of every role: (dict "root" $ "role" "api" "values" .Values.api "spread" true). What differs is in _roles.tpl. */ -}}

{{- define "cordboard.pod" -}}
{{- $files := eq .role "gateway" | ternary (include "cordboard.gateway.files" .root) "[]" | fromJsonArray -}}
metadata:
  labels:
    {{- include "cordboard.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- with .values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "cordboard.podSecurity" .root | nindent 2 }}
  terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .spread }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "cordboard.roleSelector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "cordboard.image" .root | quote }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args:
        - run
        - {{ .role }}
        - --json
        {{- if .root.Values.nats.allowLazyFsync }}
        - --allow-lazy-fsync
        {{- end }}
        {{- if .root.Values.verbose }}
        - --verbose
        {{- end }}
        # There is no authentication yet and a pod must be reached from others: who may is the NetworkPolicy's matter.
        - --insecure-listen
      env:
        {{- include "cordboard.env" .root | nindent 8 }}
        {{- include (printf "cordboard.%s.env" .role) .root | nindent 8 }}
      {{- include (printf "cordboard.%s.sockets" .role) .root | nindent 6 }}
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        {{- include "cordboard.containerSecurity" .root | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- range $files }}
        - name: {{ .name }}
          mountPath: /etc/cordboard/{{ .name }}
          readOnly: true
        {{- end }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 256Mi
    {{- range $files }}
    - name: {{ .name }}
      secret:
        secretName: {{ .secret }}
        # Root's, and readable by the pod's own group (fsGroup): a process without rights could not read it otherwise.
        defaultMode: 288 # 0440
        items:
          {{- range $key, $path := .items }}
          - key: {{ $key }}
            path: {{ $path }}
          {{- end }}
    {{- end }}
{{- end }}

{{- define "cordboard.podSecurity" -}}
serviceAccountName: {{ include "cordboard.name" . }}
automountServiceAccountToken: false
# A Service called …-smtp would be announced as CORDBOARD_SMTP_PORT=tcp://…, and read as an option.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "cordboard.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
