/// What `martinet status` shows: whether the server takes calls, and how full it is.
package struct StatusReport: Codable, Sendable {
  package var version: String
  /// "ready" or "draining".
  package var state: String
  package var uptimeSeconds: Int
  package var tenants: Int
  package var extensions: Int
  package var registrations: Int
  package var calls: Int
  package var paidCalls: Int
  package var trunks: Int
  package var trunksUp: Int
  /// "durable", or why paid calls are refused at the moment.
  package var journal: String
  package var journalSequence: UInt64
  /// Accounts, tenants and trunks whose paid calls are refused until somebody unblocks them.
  package var blocked: Int
  /// Networks, and users of networks, that are banned.
  package var bans: Int
  /// Alerts waiting to be delivered.
  package var alertsWaiting: Int
  /// Why one of them has not arrived yet; nil when none was refused.
  package var alertComplaint: String?
  /// "udp 192.0.2.1:5060", one for each listener.
  package var listeners: [String]
  package var rtpPorts: String
  /// Resident memory in kilobytes.
  package var memoryKilobytes: Int
  /// The certificates in use.
  package var certificates: [CertificateReport]

  package init(
    version: String, state: String, uptimeSeconds: Int, tenants: Int, extensions: Int,
    registrations: Int, calls: Int, paidCalls: Int, trunks: Int,
    trunksUp: Int, journal: String, journalSequence: UInt64, blocked: Int, bans: Int,
    alertsWaiting: Int,
    alertComplaint: String?, listeners: [String], rtpPorts: String, memoryKilobytes: Int,
    certificates: [CertificateReport]
  ) {
    (self.version, self.state, self.uptimeSeconds) = (version, state, uptimeSeconds)
    (self.tenants, self.extensions, self.registrations) = (tenants, extensions, registrations)
    (self.calls, self.paidCalls) = (calls, paidCalls)
    (self.trunks, self.trunksUp, self.journal) = (trunks, trunksUp, journal)
    (self.journalSequence, self.alertsWaiting) = (journalSequence, alertsWaiting)
    (self.blocked, self.bans, self.alertComplaint) = (blocked, bans, alertComplaint)
    (self.listeners, self.rtpPorts) = (listeners, rtpPorts)
    (self.memoryKilobytes, self.certificates) = (memoryKilobytes, certificates)
  }

  enum CodingKeys: String, CodingKey {
    case version, state, tenants, extensions, registrations, calls, trunks, journal, listeners,
      blocked, bans, certificates
    case uptimeSeconds = "uptime_s"
    case paidCalls = "paid_calls"
    case trunksUp = "trunks_up"
    case journalSequence = "journal_sequence"
    case alertsWaiting = "alerts_waiting"
    case alertComplaint = "alert_complaint"
    case rtpPorts = "rtp_ports"
    case memoryKilobytes = "memory_kb"
  }
}
