import Directory
import Elements
import SIP
import SIPSyntax

// Carriers that prove themselves by a certificate, beside their address (RFC 5922).

extension SwitchCore {
  /// Has those who connect from trunks with a `client_certificate` asked for it.
  ///
  /// Phones are never asked: some have one of their maker's, which nobody here vouches for.
  mutating func askForCertificates() {
    var networks: [IPNetwork] = []
    for trunk in rules.directory.trunks where trunk.clientCertificate != nil {
      networks += trunk.sources
      guard !trunk.isRestricted, let state = trunks[trunk.id] else { continue }
      networks += state.hops.map { IPNetwork($0.remote.address) }
    }
    guard networks != askedForCertificates else { return }
    askedForCertificates = networks
    output.asked = networks
  }

  /// Whether requests on that flow may be a trunk's: from an address of its own, and where a certificate is wanted of
  /// it, on a connection that has proven its name.
  func isSource(_ flow: Flow, of id: TrunkID) -> Bool {
    guard let trunk = rules.directory.trunk(id), trunk.admits(flow.remote.address) else {
      return false
    }
    return hasProven(trunk, on: flow)
  }

  /// Whether a request in a dialog with a trunk, on that flow, is the carrier's: its calls may come from there, too.
  func isCarrier(_ id: TrunkID, on flow: Flow) -> Bool {
    !flow.transport.isWebSocket && isAddress(flow.remote, of: id) && isSource(flow, of: id)
  }

  private func hasProven(_ trunk: Trunk, on flow: Flow) -> Bool {
    guard let name = trunk.clientCertificate else { return true }
    return flow.connection.flatMap { proven[$0] }?.contains(name) ?? false
  }

  /// A carrier may wonder why it is a stranger: a call from its address came without its certificate.
  mutating func noteUnproven(_ message: Message, _ flow: Flow) {
    guard message.method == .invite else { return }
    let trunk = rules.directory.trunks.first { trunk in
      !hasProven(trunk, on: flow) && isAddress(flow.remote, of: trunk.id)
    }
    guard let trunk else { return }
    let shown = flow.connection.flatMap { proven[$0] } ?? []
    log(
      .info, "a call from a carrier's address without its certificate",
      Alert.Fact("trunk", trunk.name), Alert.Fact("from", "\(flow.remote)"),
      Alert.Fact("wanted", trunk.clientCertificate ?? ""),
      Alert.Fact("shown", shown.joined(separator: ", ")))
  }
}
