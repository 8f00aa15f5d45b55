import CLinuxSockets
import Elements

/// Asks the name servers through the system's resolver, and remembers what they said.
///
/// Waits: only for the resolver's own threads.
struct DNSClient: Sendable {
  private let settings: ResolverSettings
  private let cache: DNSCache

  private static let answerBytes = 16_384
  private static let maximumAliases = 8
  private static let maximumAddresses = 16

  init(_ settings: ResolverSettings) {
    self.settings = settings
    cache = DNSCache(capacity: settings.cacheEntries)
  }

  /// The records of one type under a name, aliases followed.
  func records(_ name: String, _ type: DNSMessage.RecordType) -> [DNSMessage.Data] {
    let question = DNSCache.Question(name: name, type: type)
    let now = Clocks.instant()
    if let known = cache.data(for: question, at: now) { return known }
    guard let message = ask(name, type), message.isAnswer else {
      let until = now + settings.failureLife
      // A name server that fails says nothing about the name; without this its SRV would be taken for gone.
      if let known = cache.reuse(question, until: until, at: now) { return known }
      cache.store([], for: question, until: until, stale: .zero, at: now)
      return []
    }
    let (data, lifeSeconds) = follow(name, type, in: message)
    let life =
      data.isEmpty
      ? settings.failureLife
      : min(max(.seconds(Int64(lifeSeconds)), settings.shortestLife), settings.longestLife)
    cache.store(data, for: question, until: now + life, stale: settings.staleLife, at: now)
    return data
  }

  /// The addresses of a host: IPv6 first, as RFC 6724 orders them; whatever cannot be reached from here
  /// is left out by who knows our own addresses.
  func addresses(of host: String) -> [IPAddress] {
    if let address = IPAddress(host) { return [address] }
    // The machine's own tables win over DNS, as everywhere else on it.
    if settings.server == nil, !host.contains(".") { return systemAddresses(of: host) }
    var found: [IPAddress] = []
    for type in [DNSMessage.RecordType.aaaa, .a] {
      for case .address(let address) in records(host, type) { found.append(address) }
    }
    if found.isEmpty, settings.server == nil { found = systemAddresses(of: host) }
    return Array(found.prefix(Self.maximumAddresses))
  }

  private func follow(
    _ name: String, _ type: DNSMessage.RecordType, in message: DNSMessage
  ) -> (data: [DNSMessage.Data], lifeSeconds: UInt32) {
    var (current, life) = (name, UInt32.max)
    for _ in 0..<Self.maximumAliases {
      var data: [DNSMessage.Data] = []
      var alias: String?
      for record in message.records where record.name == current {
        if case .alias(let target) = record.data {
          (alias, life) = (target, min(life, record.lifeSeconds))
        } else if record.data.type == type {
          data.append(record.data)
          life = min(life, record.lifeSeconds)
        }
      }
      guard data.isEmpty, let alias else { return (data, life) }
      current = alias
    }
    return ([], 0)
  }

  private func ask(_ name: String, _ type: DNSMessage.RecordType) -> DNSMessage? {
    var server = settings.server?.kernel ?? .none
    var answer = [UInt8](repeating: 0, count: Self.answerBytes)
    let length = cls_dns_query(
      name, Int32(type.rawValue), &server, Int32(settings.timeoutSeconds), 2, &answer,
      Int32(answer.count))
    guard length > 0 else { return nil }
    return DNSMessage(Array(answer.prefix(Int(length))))
  }

  private func systemAddresses(of host: String) -> [IPAddress] {
    var found = [cls_endpoint](repeating: .none, count: Self.maximumAddresses)
    let count = cls_host_addresses(host, &found, Int32(found.count))
    return found.prefix(Int(max(count, 0))).map { Endpoint($0).address }
  }
}

extension DNSMessage {
  /// The name is there, or is said not to be (NXDOMAIN); anything else is a failure of the server.
  fileprivate var isAnswer: Bool { responseCode == 0 || responseCode == 3 }
}

extension DNSMessage.Data {
  var type: DNSMessage.RecordType {
    switch self {
    case .address(let address): address.isV4 ? .a : .aaaa
    case .alias: .cname
    case .service: .srv
    case .pointer: .naptr
    }
  }
}
