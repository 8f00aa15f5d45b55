import API
import Directory
import Elements
import Foundation
import Glibc
import Net
import SIP

extension Administration {
  /// Gives a new installation an office with two phones, so that a first call needs no file at all.
  ///
  /// - Returns: What to do next, for the terminal; empty when there is a configuration already.
  func welcome(listeners: [ListenAddress]) throws -> String {
    guard document().tenants.isEmpty, document().trunks.isEmpty else { return "" }
    let address = Starter.address(of: listeners)
    let zone = Starter.timezone
    let report = try apply(
      document: Starter.document(domain: "\(address)", timezone: zone), file: "the first office",
      files: [:], attendance: .known([]), by: "first start")
    let port = listeners.first { $0.transport == .udp }?.endpoint.port ?? 5060
    let phones = report.generated.map { phone in
      "  phone \(phone.extension ?? phone.user)   server \(address):\(port)   user \(phone.user)   password \(phone.password)"
    }
    return """

      This is a new installation, with an office of two phones. Their passwords are shown now and never again:

      \(phones.joined(separator: "\n"))

      Enter these into two SIP phones or softphones (UDP or TCP on port \(port), TLS on \(port + 1)), then dial 102
      on the first. In another terminal `\(Invocation.name) registrations` shows who has arrived,
      `\(Invocation.name) calls` who talks, `\(Invocation.name) doctor` what is wrong.
      Next: docs/administrator/first-steps.md, for firewalls, your own names, numbers, carriers and limits.


      """
  }
}

/// The office of a new installation.
enum Starter {
  static func document(domain: String, timezone: String) -> String {
    """
    version: 1
    tenants:
      - name: office
        domain: "\(domain)"
        timezone: \(timezone)
        country: \(country(of: timezone))
        extensions:
          - { number: "101", name: First phone }
          - { number: "102", name: Second phone }
    """
  }

  /// The address that phones are to be told: the one listened on, else the one that leads outside.
  static func address(of listeners: [ListenAddress]) -> IPAddress {
    let named = listeners.first { !$0.endpoint.address.isUnspecified }?.endpoint.address
    return named ?? outward ?? .v4Loopback
  }

  /// The address that this machine would send from; nothing is sent to find out.
  private static var outward: IPAddress? {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(9).bigEndian
    // TEST-NET-1 (RFC 5737), so that the default route decides.
    address.sin_addr.s_addr = UInt32(0xC000_0201).bigEndian
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isRouted = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) == 0 }
    }
    guard isRouted else { return nil }
    var length = size
    let isNamed = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        getsockname(descriptor, $0, &length) == 0
      }
    }
    return isNamed ? IPAddress(v4: UInt32(bigEndian: address.sin_addr.s_addr)) : nil
  }

  /// The machine's zone, where it is set to one.
  static var timezone: String {
    let link = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/etc/localtime")) ?? ""
    guard let range = link.range(of: "zoneinfo/") else { return "UTC" }
    let name = String(link[range.upperBound...])
    return name.hasPrefix("Etc/") ? "UTC" : name
  }

  /// The country that a zone belongs to, by the table of the time zone database; GB where it has none.
  static func country(of timezone: String) -> String {
    let table = (try? String(contentsOfFile: "/usr/share/zoneinfo/zone.tab", encoding: .utf8)) ?? ""
    for line in table.split(separator: "\n") where !line.hasPrefix("#") {
      let fields = line.split(separator: "\t")
      if fields.count >= 3, fields[2] == timezone { return String(fields[0]) }
    }
    return "GB"
  }
}
