/** TLS of what Kubernetes serves: forward secrecy and authenticated encryption, by the names of Go. Of TLS 1.3 all suites are that. */

export const TLS_MIN_VERSION = 'VersionTLS12';

/** The strong ones of the CIS benchmark (4.2.12) that every release knows by name, and that HTTP/2 does not forbid. */
export const TLS_CIPHER_SUITES: readonly string[] = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
];
