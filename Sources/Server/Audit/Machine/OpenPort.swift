package import Elements
import Foundation

/// A port that somebody on this machine listens on.
package struct OpenPort: Hashable, Sendable, Comparable, CustomStringConvertible {
  package enum Kind: String, Hashable, Sendable { case tcp, udp }

  package let kind: Kind
  package let endpoint: Endpoint
  /// Of the socket, by which its owner is found.
  package let inode: UInt64

  package init(_ kind: Kind, _ endpoint: Endpoint, inode: UInt64) {
    (self.kind, self.endpoint, self.inode) = (kind, endpoint, inode)
  }

  package var description: String { "\(kind.rawValue.uppercased()) \(endpoint)" }

  package static func < (left: OpenPort, right: OpenPort) -> Bool {
    left.order < right.order
  }

  /// By port; the older family first.
  private var order: (UInt16, String, Int, IPAddress) {
    (endpoint.port, kind.rawValue, endpoint.address.isV4 ? 4 : 6, endpoint.address)
  }

  /// Those of this network namespace that are not for the machine itself alone; nil where they cannot be seen.
  static func reachable() -> [OpenPort]? {
    func table(_ name: String) -> String? {
      try? String(contentsOfFile: "/proc/net/\(name)", encoding: .utf8)
    }
    guard let tcp = table("tcp"), let udp = table("udp") else { return nil }
    // Without IPv6 there are no tables of it.
    let all =
      read(tcp, .tcp) + read(udp, .udp) + (table("tcp6").map { read($0, .tcp) } ?? [])
      + (table("udp6").map { read($0, .udp) } ?? [])
    return all.filter { !$0.endpoint.address.isLoopback }.sorted()
  }

  /// Reads a table as the kernel writes it (proc_pid_net(5)): TCP that listens, UDP that takes from everybody.
  package static func read(_ table: String, _ kind: Kind) -> [OpenPort] {
    let state = kind == .tcp ? "0A" : "07"
    return table.split(separator: "\n").dropFirst().compactMap { line in
      let fields = line.split(separator: " ")
      guard fields.count >= 10, fields[3] == state, let local = endpoint(fields[1]),
        let remote = endpoint(fields[2]), remote.port == 0, let inode = UInt64(fields[9])
      else { return nil }
      return OpenPort(kind, local, inode: inode)
    }
  }

  /// "0100007F:13C4": words of 32 bits in the order of the machine's bytes, which is that of x86 and ARM.
  private static func endpoint(_ text: Substring) -> Endpoint? {
    let parts = text.split(separator: ":")
    guard parts.count == 2, let port = UInt16(parts[1], radix: 16) else { return nil }
    let digits = Array(parts[0])
    let words = stride(from: 0, to: digits.count, by: 8).compactMap { start in
      UInt32(String(digits[start..<min(start + 8, digits.count)]), radix: 16)?.byteSwapped
    }
    switch (digits.count, words.count) {
    case (8, 1): return Endpoint(IPAddress(v4: words[0]), port)
    case (32, 4):
      return Endpoint(
        IPAddress(
          high: UInt64(words[0]) << 32 | UInt64(words[1]),
          low: UInt64(words[2]) << 32 | UInt64(words[3])), port)
    case _: return nil
    }
  }
}
