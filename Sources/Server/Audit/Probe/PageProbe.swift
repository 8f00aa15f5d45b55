import Elements
import Foundation

/// Asks for the pages of monitoring as anybody would.
struct PageProbe {
  private static let wait: Duration = .seconds(2)

  /// What an address says that is not this machine's own alone.
  static func findings(_ address: Endpoint) -> [AuditFinding] {
    guard !address.address.isLoopback else { return [] }
    let loopback: IPAddress = address.address.isV4 ? .v4Loopback : .v6Loopback
    let remote = Endpoint(
      address.address.isUnspecified ? loopback : address.address, address.port)
    guard let head = page("/metrics", at: remote) else { return [] }
    let place = AuditFinding.Place.address("TCP \(address)")
    var findings: [AuditFinding] = []
    if head.hasPrefix("HTTP/1.1 200") {
      findings.append(AuditFinding(.pages, at: place, "Everybody may read /metrics at \(address)."))
    }
    if let line = head.components(separatedBy: "\r\n")
      .first(where: { $0.lowercased().hasPrefix("server:") })
    {
      findings.append(
        AuditFinding(.namesItself, at: place, "\(address) says what it is: \(line.prefix(60))."))
    }
    return findings
  }

  /// The head of an answer.
  private static func page(_ path: String, at remote: Endpoint) -> String? {
    guard let socket = ProbeSocket(stream: true, to: remote) else { return nil }
    defer { socket.close() }
    socket.send(Array("GET \(path) HTTP/1.1\r\nHost: \(remote)\r\nConnection: close\r\n\r\n".utf8))
    guard let bytes = socket.receive(within: wait), !bytes.isEmpty else { return nil }
    return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")[0]
  }
}
