"""What the built-in kinds are made of, as a table: fields, their types, and how lists of them are merged.

The facts are those of the Kubernetes API reference of 1.36; schemas.py turns them into JSON schemas and explains the
notation. Volumes, affinities and the like, of which nothing here looks at the parts, are open objects.
"""

from __future__ import annotations

TYPES: dict[str, str] = {
    # ---- every object
    "ObjectMeta": "name generateName namespace uid resourceVersion selfLink generation:integer creationTimestamp:time"
    " deletionTimestamp:time deletionGracePeriodSeconds:integer labels:string{} annotations:string{}"
    " finalizers:string[*] ownerReferences:OwnerReference[uid] managedFields:object[]",
    "OwnerReference": "= apiVersion! kind! name! uid! controller:boolean blockOwnerDeletion:boolean",
    "ObjectReference": "= apiVersion kind namespace name uid resourceVersion fieldPath",
    "LocalObjectReference": "= name",
    "LabelSelector": "= matchLabels:string{} matchExpressions:LabelSelectorRequirement[]",
    "LabelSelectorRequirement": "key! operator! values:string[]",
    # ---- pods
    "PodTemplateSpec": "metadata:ObjectMeta spec:PodSpec",
    "PodSpec": "containers!:Container[name] initContainers:Container[name] ephemeralContainers:EphemeralContainer[name]"
    " volumes:Volume[name]~ restartPolicy=Always terminationGracePeriodSeconds=30:integer"
    " activeDeadlineSeconds:integer dnsPolicy=ClusterFirst"
    " dnsConfig:PodDNSConfig nodeSelector:string{}= serviceAccountName serviceAccount"
    " automountServiceAccountToken:boolean nodeName hostNetwork:boolean hostPID:boolean hostIPC:boolean"
    " hostUsers:boolean shareProcessNamespace:boolean securityContext:PodSecurityContext"
    " imagePullSecrets:LocalObjectReference[name] hostname hostnameOverride subdomain setHostnameAsFQDN:boolean"
    " affinity:object schedulerName tolerations:Toleration[] hostAliases:HostAlias[ip] priorityClassName"
    " priority:integer preemptionPolicy readinessGates:object[] runtimeClassName enableServiceLinks:boolean"
    " overhead:quantity{} topologySpreadConstraints:TopologySpreadConstraint[topologyKey,whenUnsatisfiable] os:object"
    " schedulingGates:object[name] schedulingGroup:object resourceClaims:object[name]~ resources:ResourceRequirements",
    "Container": "name! image imagePullPolicy command:string[] args:string[] workingDir"
    " ports:ContainerPort[containerPort,protocol] envFrom:EnvFromSource[] env:EnvVar[name]"
    " resources:ResourceRequirements resizePolicy:object[] restartPolicy restartPolicyRules:object[]"
    " volumeMounts:VolumeMount[mountPath] volumeDevices:VolumeDevice[devicePath] livenessProbe:Probe"
    " readinessProbe:Probe startupProbe:Probe lifecycle:Lifecycle terminationMessagePath terminationMessagePolicy"
    " securityContext:SecurityContext stdin:boolean stdinOnce:boolean tty:boolean",
    "EphemeralContainer": "+Container targetContainerName",
    "ContainerPort": "name containerPort!:integer protocol=TCP hostPort:integer hostIP",
    "EnvVar": "name! value valueFrom:EnvVarSource",
    "EnvVarSource": "fieldRef:object= resourceFieldRef:object= configMapKeyRef:KeySelector secretKeyRef:KeySelector"
    " fileKeyRef:object=",
    "KeySelector": "= name key! optional:boolean",
    "EnvFromSource": "prefix configMapRef:object secretRef:object",
    "ResourceRequirements": "limits:quantity{} requests:quantity{} claims:object[-name]",
    "VolumeMount": "name! mountPath! readOnly:boolean subPath subPathExpr mountPropagation recursiveReadOnly",
    "VolumeDevice": "name! devicePath!",
    "Volume": "name! configMap:object secret:object emptyDir:object projected:object downwardAPI:object hostPath:object"
    " persistentVolumeClaim:object csi:object ephemeral:object image:object nfs:object iscsi:object fc:object"
    " awsElasticBlockStore:object azureDisk:object azureFile:object cephfs:object cinder:object flexVolume:object"
    " flocker:object gcePersistentDisk:object gitRepo:object glusterfs:object photonPersistentDisk:object"
    " portworxVolume:object quobyte:object rbd:object scaleIO:object storageos:object vsphereVolume:object",
    "Probe": "exec:ExecAction httpGet:HTTPGetAction tcpSocket:TCPSocketAction grpc:GRPCAction"
    " initialDelaySeconds:integer timeoutSeconds:integer periodSeconds:integer successThreshold:integer"
    " failureThreshold:integer terminationGracePeriodSeconds:integer",
    "ExecAction": "command:string[]",
    "HTTPGetAction": "path port!:int-or-string host scheme httpHeaders:HTTPHeader[]",
    "HTTPHeader": "name! value!",
    "TCPSocketAction": "port!:int-or-string host",
    "GRPCAction": "port!:integer service",
    "Lifecycle": "postStart:object preStop:object stopSignal",
    "SecurityContext": "capabilities:object privileged:boolean seLinuxOptions:object windowsOptions:object"
    " runAsUser:integer runAsGroup:integer runAsNonRoot:boolean readOnlyRootFilesystem:boolean"
    " allowPrivilegeEscalation:boolean procMount seccompProfile:object appArmorProfile:object",
    "PodSecurityContext": "seLinuxOptions:object windowsOptions:object runAsUser:integer runAsGroup:integer"
    " runAsNonRoot:boolean supplementalGroups:integer[] supplementalGroupsPolicy fsGroup:integer sysctls:object[]"
    " fsGroupChangePolicy seccompProfile:object appArmorProfile:object seLinuxChangePolicy",
    "PodDNSConfig": "nameservers:string[] searches:string[] options:object[]",
    "HostAlias": "ip! hostnames:string[]",
    "Toleration": "key operator value effect tolerationSeconds:integer",
    "TopologySpreadConstraint": "maxSkew!:integer topologyKey! whenUnsatisfiable! labelSelector:LabelSelector"
    " minDomains:integer nodeAffinityPolicy nodeTaintsPolicy matchLabelKeys:string[]",
    "PodStatus": "phase conditions:object[type] message reason nominatedNodeName hostIP hostIPs:object[] podIP"
    " podIPs:object[ip] startTime:time initContainerStatuses:object[] containerStatuses:object[]"
    " ephemeralContainerStatuses:object[] qosClass resize observedGeneration:integer"
    " nodeAllocatableResourceClaimStatuses:object[] resourceClaimStatuses:object[name]~"
    " allocatedResources:quantity{} resources:object extendedResourceClaimStatus:object",
    # ---- workloads
    "DeploymentSpec": "replicas=1:integer selector!:LabelSelector template!:PodTemplateSpec"
    " strategy:DeploymentStrategy~ minReadySeconds:integer revisionHistoryLimit=10:integer paused:boolean"
    " progressDeadlineSeconds=600:integer",
    "DeploymentStrategy": "type rollingUpdate:RollingUpdateDeployment",
    "RollingUpdateDeployment": "maxUnavailable:int-or-string maxSurge:int-or-string",
    "DeploymentStatus": "observedGeneration:integer replicas:integer updatedReplicas:integer readyReplicas:integer"
    " availableReplicas:integer unavailableReplicas:integer terminatingReplicas:integer collisionCount:integer"
    " conditions:object[type]",
    "DaemonSetSpec": "selector!:LabelSelector template!:PodTemplateSpec updateStrategy:DaemonSetUpdateStrategy"
    " minReadySeconds:integer revisionHistoryLimit=10:integer",
    "DaemonSetUpdateStrategy": "type rollingUpdate:RollingUpdateDaemonSet",
    "RollingUpdateDaemonSet": "maxUnavailable:int-or-string maxSurge:int-or-string",
    "DaemonSetStatus": "currentNumberScheduled!:integer numberMisscheduled!:integer desiredNumberScheduled!:integer"
    " numberReady!:integer observedGeneration:integer updatedNumberScheduled:integer numberAvailable:integer"
    " numberUnavailable:integer collisionCount:integer conditions:object[type]",
    "ReplicaSetSpec": "replicas:integer minReadySeconds:integer selector!:LabelSelector template:PodTemplateSpec",
    "ReplicaSetStatus": "replicas!:integer fullyLabeledReplicas:integer readyReplicas:integer"
    " availableReplicas:integer terminatingReplicas:integer observedGeneration:integer conditions:object[type]",
    "HorizontalPodAutoscalerSpec": "scaleTargetRef!:CrossVersionObjectReference minReplicas:integer"
    " maxReplicas!:integer metrics:object[] behavior:object",
    "CrossVersionObjectReference": "apiVersion kind! name!",
    "HorizontalPodAutoscalerStatus": "observedGeneration:integer lastScaleTime:time currentReplicas:integer"
    " desiredReplicas!:integer currentMetrics:object[] conditions:object[type]",
    # ---- services and the rest of the core group
    "ServiceSpec": "ports:ServicePort[port,protocol] selector:string{}= clusterIP clusterIPs:string[] type=ClusterIP"
    " externalIPs:string[] sessionAffinity=None sessionAffinityConfig:object loadBalancerIP loadBalancerClass"
    " loadBalancerSourceRanges:string[] externalName externalTrafficPolicy internalTrafficPolicy"
    " healthCheckNodePort:integer publishNotReadyAddresses:boolean ipFamilies:string[] ipFamilyPolicy"
    " allocateLoadBalancerNodePorts:boolean trafficDistribution",
    "ServicePort": "name protocol=TCP appProtocol port!:integer targetPort:int-or-string nodePort:integer",
    "ServiceStatus": "loadBalancer:object conditions:object[type]",
    "NamespaceSpec": "finalizers:string[]",
    "NamespaceStatus": "phase conditions:object[type]",
    "EventSource": "component host",
    "EventSeries": "count:integer lastObservedTime:time",
    "LeaseSpec": "holderIdentity leaseDurationSeconds:integer acquireTime:time renewTime:time leaseTransitions:integer"
    " strategy preferredHolder",
    # ---- the kinds themselves
    "Deployment": "+Object spec:DeploymentSpec status:DeploymentStatus",
    "DaemonSet": "+Object spec:DaemonSetSpec status:DaemonSetStatus",
    "ReplicaSet": "+Object spec:ReplicaSetSpec status:ReplicaSetStatus",
    "Pod": "+Object spec:PodSpec status:PodStatus",
    "HorizontalPodAutoscaler": "+Object spec:HorizontalPodAutoscalerSpec status:HorizontalPodAutoscalerStatus",
    "Service": "+Object spec:ServiceSpec status:ServiceStatus",
    "Namespace": "+Object spec:NamespaceSpec status:NamespaceStatus",
    "ConfigMap": "+Object data:string{} binaryData:string{} immutable:boolean",
    "Secret": "+Object data:string{} stringData:string{} type=Opaque immutable:boolean",
    "ServiceAccount": "+Object secrets:ObjectReference[name] imagePullSecrets:LocalObjectReference[]"
    " automountServiceAccountToken:boolean",
    "Event": "+Object involvedObject!:ObjectReference reason message source:EventSource firstTimestamp:time"
    " lastTimestamp:time count:integer type eventTime:time series:EventSeries action related:ObjectReference"
    " reportingComponent reportingInstance",
    "Lease": "+Object spec:LeaseSpec",
    "Object": "apiVersion kind metadata:ObjectMeta",
}
