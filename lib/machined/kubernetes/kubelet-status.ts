/** What is shown of the kubelet: how it fares, or what this node has to do before there is one. */
export interface StatusReport {
  isHealthy: boolean;
  text: string;
}

/** Puts the two sources together: as long as the node is no member, what it is about counts, and not that a kubelet runs already. Says nothing twice. */
export class KubeletStatus {
  private membership: StatusReport | undefined = { isHealthy: false, text: 'Kubernetes is being prepared' };
  private kubelet: StatusReport | undefined;
  private manifests: string | undefined;
  private told = '';

  /** @param report  to whoever shows it */
  constructor(private readonly report: (status: StatusReport) => void) {}

  /** undefined: the node is a member. */
  setMembership(text: string | undefined): void {
    this.membership = text === undefined ? undefined : { isHealthy: false, text };
    this.tell();
  }

  setKubelet(status: StatusReport): void {
    this.kubelet = status;
    this.tell();
  }

  /** What of the cluster's manifests this node cannot bring into it. */
  setManifests(problem: string | undefined): void {
    this.manifests = problem;
    this.tell();
  }

  private tell(): void {
    const status = this.membership ?? this.ofMember();
    if (status === undefined) return;
    const key = JSON.stringify(status);
    if (key === this.told) return;
    this.told = key;
    this.report(status);
  }

  /** A kubelet that is not well is why manifests are not applied, rather than the other way round. */
  private ofMember(): StatusReport | undefined {
    const { kubelet, manifests } = this;
    if (manifests === undefined || kubelet?.isHealthy !== true) return kubelet;
    return { isHealthy: false, text: `${kubelet.text}, and ${manifests}` };
  }
}
