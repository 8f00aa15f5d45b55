package import ConfigurationFiles
package import Elements
import Foundation
import Glibc
package import Net
import SIP
package import Sharing
import Yams

/// The settings of one server; customers' settings are not here but in what `apply` reads.
package struct Configuration: Sendable {
  /// Where the settings were read; nil: nowhere.
  package private(set) var file: String?
  /// Folder with the database, the journal, the keys and the control socket.
  package var data = "./data"
  package var listeners: [ListenAddress] = []
  /// Metrics and health; loopback unless somebody opens it.
  package var http = Endpoint(.v4Loopback, 9090)
  /// Ports for media, below the kernel's own range so that they never collide with it.
  package var rtp: ClosedRange<UInt16> = 10_000...29_999
  /// Threads that relay media; 0: the signalling thread relays too.
  package var mediaLanes = 0
  package var logLevel = "info"
  /// Folder with `certificate.pem` and `key.pem`, made when they are missing; nil: `tls` in the data folder.
  package var tlsFolder: String?
  /// PEM file of authorities beside the system's, for carriers that have their own; nil: none.
  package var tlsAuthorities: String?
  /// Where certificates are got, and for which names.
  package var acme = AuthorityWishes()

  /// Pages that may connect by WebSocket, such as "https://phone.example"; what is no browser needs none.
  package var webSocketOrigins: [String] = []

  /// Whether the kernel drops what is banned: as far as it can, always, or never.
  package var firewall = FirewallMode.auto
  /// With whom bans are shared; nobody unless somebody writes it.
  package var sharing = SharingSettings()

  package init() {}

  /// Certificates of ours, and whose certificates we believe.
  package var tls: TLSSettings {
    var settings = TLSSettings(folder: tlsFolder ?? data + "/tls")
    settings.names = ownNames
    settings.authorities = tlsAuthorities
    settings.standard = acme.names.first.map { IssuedCertificate.prefix + $0 }
    return settings
  }

  /// What a certificate of our own making stands for: the addresses that phones and peers connect to, and the machine for itself.
  private var ownNames: [String] {
    let addresses = (listeners.map(\.endpoint) + [sharing.listen].compactMap(\.self)).compactMap {
      $0.address.isUnspecified
        ? OutwardAddress.inUse(isV4: $0.address.isV4) : Optional($0.address)
    }
    var names = ["localhost"]
    for name in addresses.map(\.description) where !names.contains(name) { names.append(name) }
    return names
  }

  /// The keys of the file, in the order of the documentation.
  static let keys = [
    "data", "sip", "http", "rtp", "media_lanes", "log_level", "tls_folder", "tls_authorities",
    "acme_directory", "acme_names", "acme_contact", "acme_http", "websocket_origins", "firewall",
    "sharing",
  ]

  /// Reads the YAML file; what it does not name keeps its default.
  package mutating func read(file: String) throws {
    self.file = URL(filePath: file).standardizedFileURL.path
    let text: String
    do {
      text = try String(contentsOfFile: file, encoding: .utf8)
    } catch {
      throw ConfigurationError(
        field: file, problem: "the file cannot be read", wayOut: "Check the path given to --config."
      )
    }
    let composed: Node?
    do throws(YAMLMistake) {
      composed = try YAMLText.compose(text)
    } catch {
      throw ConfigurationError(
        field: error.place.map { "\(file):\($0.line)" } ?? file, problem: error.problem,
        wayOut: error.wayOut + ".")
    }
    guard let root = composed else { return }
    guard let mapping = root.mapping else {
      throw ConfigurationError(
        field: file, problem: "it is not a mapping of keys to values",
        wayOut: "Write lines such as \"http: 127.0.0.1:9090\".")
    }
    for (key, value) in mapping {
      let place = "\(file):\(key.mark?.line ?? 0): \(key.string ?? "?")"
      guard let name = key.string, Self.keys.contains(name) else {
        throw ConfigurationError(
          field: place, problem: "there is no such setting",
          wayOut: "Known are \(Self.keys.joined(separator: ", ")).")
      }
      guard name != "sharing" else {
        sharing = try SharingReader(file: file).settings(value)
        continue
      }
      // A list of addresses may be written as a list.
      let words = value.sequence?.compactMap(\.string).joined(separator: ",") ?? value.string ?? ""
      do throws(ConfigurationError) {
        try set(name, to: words)
      } catch {
        throw ConfigurationError(field: place, problem: error.problem, wayOut: error.wayOut)
      }
    }
  }

  /// Sets one key from its text, as the file and the command line have it.
  package mutating func set(_ key: String, to text: String) throws(ConfigurationError) {
    switch key {
    case "data": data = text
    case "sip": listeners = try Self.listeners(text)
    case "http": http = try Self.endpoint(text, field: key)
    case "rtp": rtp = try Self.ports(text)
    case "media_lanes": mediaLanes = try Self.number(text, field: key, in: 0...64)
    case "log_level": logLevel = text
    case "tls_folder": tlsFolder = text
    case "tls_authorities": tlsAuthorities = text
    case "websocket_origins": webSocketOrigins = try Self.origins(text)
    case "acme_directory", "acme_names", "acme_contact", "acme_http":
      try acme.set(key, to: text)
    case "firewall":
      guard let mode = FirewallMode(rawValue: text) else {
        throw ConfigurationError(
          field: key, problem: "\"\(text)\" is none of the three", wayOut: "Write auto, on or off.")
      }
      firewall = mode
    case _:
      throw ConfigurationError(
        field: key, problem: "there is no such setting",
        wayOut: "Known are \(Self.keys.joined(separator: ", ")).")
    }
  }

  /// Port 5060 on every address of the machine, IPv6 only where the machine has it.
  package static func everyAddress() throws(ConfigurationError) -> [ListenAddress] {
    try listeners(hasIPv6 ? "0.0.0.0:5060,[::]:5060" : "0.0.0.0:5060")
  }

  /// Whether this machine has IPv6 at all.
  static var hasIPv6: Bool {
    let probe = socket(AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
    guard probe >= 0 else { return false }
    close(probe)
    return true
  }

  /// "HOST:PORT" entries with commas between, each for UDP and TCP on its port and TLS on the next, as
  /// 5060 and 5061 are (RFC 3261 §19.1.2); "udp:HOST:PORT" for one transport alone.
  static func listeners(_ text: String) throws(ConfigurationError) -> [ListenAddress] {
    var all: [ListenAddress] = []
    for entry in text.split(separator: ",") {
      let entry = entry.trimmingCharacters(in: .whitespaces)
      let only = Transport.allCases.first { entry.hasPrefix("\($0):") }
      guard let endpoint = Endpoint(only.map { entry.dropFirst("\($0):".count) } ?? entry[...])
      else {
        throw ConfigurationError(
          field: "sip", problem: "\"\(entry)\" is not HOST:PORT",
          wayOut: "Write an IP address and a port: 192.0.2.1:5060 or [2001:db8::1]:5060.")
      }
      guard only == nil else {
        all += only.map { [ListenAddress($0, endpoint)] } ?? []
        continue
      }
      guard endpoint.port < .max else {
        throw ConfigurationError(
          field: "sip", problem: "port 65535 leaves no port above it for TLS",
          wayOut: "Choose a lower port, or name one transport: udp:\(entry).")
      }
      let secure = Endpoint(endpoint.address, endpoint.port == 0 ? 0 : endpoint.port + 1)
      all += [
        ListenAddress(.udp, endpoint), ListenAddress(.tcp, endpoint), ListenAddress(.tls, secure),
      ]
    }
    guard !all.isEmpty else {
      throw ConfigurationError(
        field: "sip", problem: "no address to listen on", wayOut: "Write at least one HOST:PORT.")
    }
    return all
  }

  /// "https://phone.example" entries with commas between, as browsers write them (RFC 6454 §6.2).
  private static func origins(_ text: String) throws(ConfigurationError) -> [String] {
    var all: [String] = []
    for entry in text.split(separator: ",") {
      let origin = entry.trimmingCharacters(in: .whitespaces).lowercased()
      let parts = URLComponents(string: origin)
      // As a browser would write it: anything else never matches.
      let usual = ["http": 80, "https": 443]
      guard let parts, let scheme = parts.scheme, let host = parts.host, !host.isEmpty,
        !host.hasSuffix("."), origin.allSatisfy(\.isASCII), parts.path.isEmpty,
        parts.query == nil, parts.fragment == nil, parts.user == nil,
        parts.port.map({ $0 != usual[scheme] }) ?? true
      else {
        throw ConfigurationError(
          field: "websocket_origins",
          problem: "\"\(origin)\" is not the origin of a page as browsers write it",
          wayOut:
            "Write scheme and host, in ASCII, and a port only where it is not the usual one: https://phone.example:8443."
        )
      }
      all.append(origin)
    }
    return all
  }

  static func endpoint(
    _ text: String, field: String
  ) throws(ConfigurationError) -> Endpoint {
    guard let endpoint = Endpoint(text) else {
      throw ConfigurationError(
        field: field, problem: "\"\(text)\" is not HOST:PORT",
        wayOut: "Write an IP address and a port, such as 127.0.0.1:9090.")
    }
    return endpoint
  }

  private static func ports(_ text: String) throws(ConfigurationError) -> ClosedRange<UInt16> {
    let ends = text.split(separator: "-").compactMap { UInt16($0) }
    guard ends.count == 2, ends[0] >= 1024, ends[0] < ends[1], ends[1] - ends[0] >= 3 else {
      throw ConfigurationError(
        field: "rtp", problem: "\"\(text)\" is not FROM-TO with at least four ports above 1023",
        wayOut: "Write a range such as 10000-29999.")
    }
    return ends[0]...ends[1]
  }

  private static func number(
    _ text: String, field: String, in range: ClosedRange<Int>
  ) throws(ConfigurationError) -> Int {
    guard let number = Int(text), range.contains(number) else {
      throw ConfigurationError(
        field: field,
        problem: "\"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound)",
        wayOut: "Leave it out for the default.")
    }
    return number
  }
}

/// Whether banned packets are dropped by the kernel besides the process.
package enum FirewallMode: String, Sendable {
  /// Where nftables is there and the server may use it.
  case auto
  /// A start without it fails.
  case on
  case off
}
