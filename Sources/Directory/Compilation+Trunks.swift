import Elements
import Numbering

extension Compilation {
  mutating func compilePlatform(_ root: FieldPath) {
    let path = root.key("platform")
    if Currency(document.platform.currency) == nil {
      report(path.key("currency"), Self.badCurrency(document.platform.currency))
    }
    check(document.platform.limits, at: path.key("limits"))
    check(document.platform.notices, at: path.key("notices"))
    check(document.platform.retention, at: path.key("retention"))
    neverBanned = networks(document.platform.neverBan ?? [], at: path.key("never_ban"))
    check(document.platform.edge, at: path.key("edge"))
    if let mail = document.mail { check(mail, at: root.key("mail")) }
  }

  mutating func compileRates(_ path: FieldPath) {
    var seen: Set<String> = []
    for (index, rate) in document.rates.enumerated() {
      let path = path.item(index, rate.name)
      checkName(rate.name, &seen, at: path.key("name"), what: "rates")
      if Currency(rate.currency) == nil {
        report(path.key("currency"), Self.badCurrency(rate.currency))
      }
    }
  }

  mutating func compileTrunks(_ path: FieldPath) {
    var seen: Set<String> = []
    for (index, entry) in document.trunks.enumerated() {
      let path = path.item(index, entry.name)
      checkName(entry.name, &seen, at: path.key("name"), what: "trunk")
      if let trunk = compile(entry, at: path) {
        trunks.append(trunk)
        trunkNames[entry.name] = trunk.id
      }
    }
  }

  private mutating func compile(_ entry: TrunkEntry, at path: FieldPath) -> Trunk? {
    check(entry.limits, at: path.key("limits"))
    check(entry.media, at: path)
    check(entry.sessionTimer, at: path.key("session_timer"))
    checkNumbers(of: entry, at: path)
    let format = NumberFormat(rawValue: entry.numberFormat)
    if format == nil {
      let formats = NumberFormat.allCases.map(\.rawValue).joined(separator: ", ")
      report(path.key("number_format"), "\"\(entry.numberFormat)\" is none of \(formats)")
    }
    if let purchase = entry.purchase {
      checkRate(purchase, currency: nil, at: path.key("rates").key("purchase"))
    }
    var country: CountryPlan?
    if let text = entry.country { country = self.country(text, at: path.key("country")) }
    let networks = networks(entry.sources, at: path.key("sources"))
    guard let address = TrunkAddress(entry.address) else {
      report(
        path.key("address"),
        "\"\(entry.address)\" is not an address; write sip:HOST[:PORT][;transport=udp|tcp|tls]")
      return nil
    }
    checkCertificates(of: entry, address, at: path)
    let own = address.ip.map { [IPNetwork($0)] } ?? []
    return Trunk(
      id: identities.trunk(entry.name), entry: entry, address: address,
      sources: networks.isEmpty ? own : networks, isRestricted: !networks.isEmpty,
      numberFormat: format ?? .plus, country: country)
  }

  private mutating func checkCertificates(
    of entry: TrunkEntry, _ address: TrunkAddress, at path: FieldPath
  ) {
    if let name = entry.clientCertificate, IPAddress(name) == nil, !Self.isHostName(name) {
      report(
        path.key("client_certificate"),
        """
        "\(name)" is no name that a certificate can prove; write its SIP domain, host name or address
        """)
    }
    guard let folder = entry.presentCertificate else { return }
    let path = path.key("present_certificate")
    let isPlain = folder.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: "."):
        true
      case _: false
      }
    }
    if folder.isEmpty || folder.utf8.count > 128 || folder.hasPrefix(".") || !isPlain {
      report(
        path,
        "\"\(folder)\" is not the name of a folder in tls_folder; write letters, digits, - _ and .")
    }
    if address.transport == .udp || address.transport == .tcp {
      report(path, "certificates are shown over TLS only; add ;transport=tls to \"address\"")
    }
  }

  private mutating func checkNumbers(of entry: TrunkEntry, at path: FieldPath) {
    checkRange(entry.channels, 1...100_000, at: path.key("channels"))
    checkRange(entry.probeSeconds, 0...3600, at: path.key("probe"))
    checkRange(entry.timeoutMilliseconds, 500...32_000, at: path.key("timeout_ms"))
    if let seconds = entry.progressSeconds {
      checkRange(seconds, 3...180, at: path.key("progress_timeout"))
    }
    if let registration = entry.registration {
      checkRange(
        registration.expiresSeconds, 30...86_400, at: path.key("register").key("expires"))
    }
    let allowed = Set("0123456789*#+".utf8)
    if !entry.prefix.utf8.allSatisfy(allowed.contains) || entry.prefix.utf8.count > 16 {
      report(path.key("prefix"), "a prefix is up to 16 characters out of 0…9, *, # and +")
    }
  }
}

extension TrunkAddress {
  /// Reads `sip:host[:port][;transport=udp|tcp|tls]`; `sips:` means TLS.
  ///
  /// Nil for anything else.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ";", omittingEmptySubsequences: false)
    guard let colon = parts[0].firstIndex(of: ":") else { return nil }
    let scheme = parts[0][..<colon].lowercased()
    guard scheme == "sip" || scheme == "sips" else { return nil }
    var transport: Transport? = scheme == "sips" ? .tls : nil
    for parameter in parts.dropFirst() {
      let pair = parameter.split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2, pair[0].lowercased() == "transport",
        let known = Transport(rawValue: pair[1].lowercased())
      else { return nil }
      transport = known
    }
    self.init(host: parts[0][parts[0].index(after: colon)...], transport: transport)
  }

  private init?(host text: some StringProtocol, transport: Transport?) {
    guard !text.contains("@"), !text.isEmpty else { return nil }
    if let endpoint = Endpoint(text), endpoint.port > 0 {
      (host, ip, port) = (endpoint.address.description, endpoint.address, endpoint.port)
    } else if let address = IPAddress(text) {
      (host, ip, port) = (address.description, address, nil)
    } else {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      let port = parts.count == 2 ? UInt16(parts[1]) : nil
      guard parts.count == 1 || (parts.count == 2 && port != nil && port != 0),
        Compilation.isHostName(parts[0])
      else { return nil }
      (host, ip, self.port) = (parts[0].lowercased(), nil, port)
    }
    self.transport = transport
  }
}
