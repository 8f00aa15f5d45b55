import Elements
import Foundation

/// Asks for the pages of monitoring as anybody would.
struct PageProbe {
  private static let wait: Duration = .seconds(3)
  private static let longestHead = 65_536

  /// What an address says that is not this machine's own alone.
  static func findings(_ address: Endpoint) -> [AuditFinding] {
    guard !address.address.isLoopback else { return [] }
    let loopback: IPAddress = address.address.isV4 ? .v4Loopback : .v6Loopback
    let remote = Endpoint(
      address.address.isUnspecified ? loopback : address.address, address.port)
    let place = AuditFinding.Place.address("TCP \(address)")
    // Where nothing can be reached, nobody reads anything.
    guard let socket = try? ProbeSocket(stream: true, to: remote) else { return [] }
    defer { socket.close() }
    guard let head = head(of: "/metrics", from: remote, over: socket) else {
      return [
        AuditFinding(
          .unseenAnswer, at: place,
          "Whether everybody may read /metrics at \(address) was not seen: it does not answer.")
      ]
    }
    var findings: [AuditFinding] = []
    if let status = head.first, status.hasPrefix("HTTP/1."),
      status.split(separator: " ").dropFirst().first == "200"
    {
      findings.append(AuditFinding(.pages, at: place, "Everybody may read /metrics at \(address)."))
    }
    if let line = head.first(where: { $0.lowercased().hasPrefix("server:") }) {
      findings.append(
        AuditFinding(
          .namesItself, at: place, "\(address) says what it is: \(StrangerWords.shown(line))."))
    }
    return findings
  }

  /// The lines in front of an answer, however it is cut; nil where none comes in time.
  private static func head(
    of path: String, from remote: Endpoint, over socket: ProbeSocket
  ) -> [String]? {
    socket.send(Array("GET \(path) HTTP/1.1\r\nHost: \(remote)\r\nConnection: close\r\n\r\n".utf8))
    let end = ContinuousClock.now + wait
    var bytes: [UInt8] = []
    while bytes.count < longestHead, bytes.firstRange(of: Array("\r\n\r\n".utf8)) == nil {
      let rest = end - .now
      guard rest > .zero, let more = socket.receive(within: rest) else { return nil }
      guard !more.isEmpty else { break }
      bytes += more
    }
    guard !bytes.isEmpty else { return nil }
    return String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n\r\n")[0]
      .components(separatedBy: "\r\n")
  }
}
