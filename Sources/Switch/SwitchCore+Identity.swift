import Directory
import Elements
import Guard
import Numbering
import SIP
import SIPSyntax

// Who a request is from: a phone by its digest, a carrier by its address; nobody by what it says.

extension SwitchCore {
  enum Identity {
    case phone(Device, Extension)
    case trunk(Trunk)
    /// Not proven yet: to be challenged.
    case unknown(Stranger)
    /// Its credentials are not of this request, and prove nothing.
    case refused
    /// Proven, and not who it says in From (A24).
    case misnamed(Extension?)
  }

  /// Carriers by where they send from, everybody else by digest.
  mutating func identify(_ message: Message, _ flow: Flow, at now: Now) -> Identity {
    if let trunk = trunk(sending: message, on: flow) { return .trunk(trunk) }
    noteUnproven(message, flow)
    switch authenticate(message, flow, at: now) {
    case .unknown(let stranger): return .unknown(stranger)
    case .refused: return .refused
    case .device(let device):
      // The identity is the authenticated account; From may choose among its extensions only.
      guard let line = rules.directory.line(of: device, claimedIn: message),
        message.isFromAnonymous || message.fromHost == nil
          || isDomain(message.fromHost, in: message, of: device.tenant, on: flow)
      else { return .misnamed(own(line: device)) }
      return .phone(device, line)
    }
  }

  /// The tenant that a request is for: by From, else by Request-URI, else by To.
  ///
  /// With one tenant only, our own address stands for its domain: so a new phone needs no DNS.
  func tenant(of message: Message, on flow: Flow) -> Tenant? {
    if let named = rules.directory.tenant(of: message) { return named }
    return isOnlyDomain(message.requestHost, in: message, on: flow)
      ? rules.directory.tenants.first : nil
  }

  /// Whether a host of a message names that tenant: its domain, or our address where there is no other
  /// tenant.
  func isDomain(
    _ host: ByteRange?, in message: Message, of tenant: TenantID, on flow: Flow
  ) -> Bool {
    rules.directory.isDomain(host, in: message, of: tenant)
      || isOnlyDomain(host, in: message, on: flow)
  }

  /// Whether a host of a message is our address, and that stands for the domain of the only tenant.
  func isOnlyDomain(_ host: ByteRange?, in message: Message, on flow: Flow) -> Bool {
    guard rules.directory.tenants.count == 1, let host, let address = message.address(at: host)
    else { return false }
    return isOwn(address, on: flow)
  }

  /// Somebody who has to prove who he is, to the tenant that his request is for.
  struct Stranger {
    /// Nil for no domain of ours.
    let tenant: Tenant?
    /// He did prove it, with a nonce that is not good any more.
    var isStale = false
  }

  enum Authentication {
    case device(Device)
    case unknown(Stranger)
    /// Its credentials are not of this request.
    case refused
  }

  /// The extension that a device is when it does not say.
  private func own(line device: Device) -> Extension? {
    device.extensions.first.flatMap { rules.directory.line($0) }
  }

  /// Checks the digest; unknown users and wrong passwords are the same to the outside (A02).
  mutating func authenticate(_ message: Message, _ flow: Flow, at now: Now) -> Authentication {
    guard let tenant = rules.directory.tenant(of: message) ?? tenant(of: message, on: flow) else {
      return .unknown(Stranger(tenant: nil))
    }
    guard
      let credentials = DigestVerifier.credentials(in: message, realm: tenant.domainBytes)
        ?? DigestVerifier.credentials(in: message, realm: tenant.domainBytes, isProxy: true)
    else { return .unknown(Stranger(tenant: tenant)) }
    guard let nonce = verifier.nonce(of: credentials, source: flow.remote.address, at: now) else {
      return .unknown(Stranger(tenant: tenant, isStale: true))
    }
    let username = credentials.bytes.span.extracting(credentials.username.range)
    let device = rules.directory.device(of: tenant, named: username)
    let user = userKey(tenant, username, device)
    // Where they are not looked at, even the right ones are wrong: that takes the same time, and tells nothing.
    let look = admission.look(at: user, from: Source(flow), at: now)
    let verdict = verifier.verify(
      credentials, nonce, of: message, secrets: look == .compares ? device?.secrets : nil,
      user: user.number, at: now)
    switch allowed(verdict, device, tenant, message, on: flow, at: now) {
    case .accepted:
      guard let device else { return .unknown(Stranger(tenant: tenant)) }
      welcome(user, of: tenant.id, on: flow, at: now)
      return .device(device)
    case .stale: return .unknown(Stranger(tenant: tenant, isStale: true))
    case .mismatched: return .refused
    case .wrong:
      status.authenticationFailures += 1
      // Where many guess even a right password is not looked at: that counts against nobody.
      if look != .isRationed {
        let response = mark(credentials.bytes.span.extracting(credentials.response.range))
        note(
          .wrongCredentials(user, response: response), tenant, device, on: flow, isProven: true,
          at: now)
      }
      log(
        .info, "authentication failed", tenant: tenant.id, Alert.Fact("from", "\(flow.remote)"),
        Alert.Fact("method", message.method.name))
      return .unknown(Stranger(tenant: tenant))
    }
  }

  /// What a verdict is worth from there: a right password is a wrong one where its phone may not be.
  ///
  /// Like a wrong one in everything, bans included: no answer tells a thief that he has the right one. Its owner is told.
  private mutating func allowed(
    _ verdict: DigestVerdict, _ device: Device?, _ tenant: Tenant, _ message: Message,
    on flow: Flow, at now: Now
  ) -> DigestVerdict {
    guard verdict != .wrong, let device,
      !rules.directory.admits(flow.remote.address, to: device.sources)
    else { return verdict }
    passwordElsewhere(device, tenant, message.method, flow, at: now)
    return .wrong
  }

  /// Asks who it is; strongest algorithm first (RFC 8760 §2.4).
  mutating func challenge(
    _ server: ServerTransactionID, _ message: Message, _ flow: Flow, _ stranger: Stranger,
    at now: Now
  ) {
    guard let tenant = stranger.tenant else {
      noteForeign(message, on: flow, at: now)
      // No domain of ours: nothing is relayed (A33), nothing is told.
      return refuse(server, 403, at: now)
    }
    let challenges = verifier.challenges(
      realm: tenant.domainBytes, algorithms: ChallengeChoice.algorithms(for: message, on: flow),
      source: flow.remote.address, isStale: stranger.isStale, at: now)
    refuse(server, 401, challenges, at: now)
  }

  /// The same for a registration, written into its answer.
  mutating func challenge(_ request: StatelessRequest, _ stranger: Stranger, at now: Now) {
    guard let tenant = stranger.tenant else {
      noteForeign(request.message, on: request.flow, at: now)
      return sip.respond(to: request, ResponseDraft(403), effects: &output.wire)
    }
    var answer = sip.beginAnswer(to: request, 401)
    verifier.challenge(
      realm: tenant.domainBytes,
      algorithms: ChallengeChoice.algorithms(for: request.message, on: request.flow),
      source: request.flow.remote.address, isStale: stranger.isStale, at: now, in: &answer)
    sip.send(answer, to: request, effects: &output.wire)
  }

  // MARK: - Carriers

  /// The trunk that a request is from: by its exact address, or by an address of its own when the
  /// request does not claim to be of a tenant.
  ///
  /// Phones may share an address with a carrier (a gateway in the office): they name a domain of ours, or have
  /// registered from that port, or call as no carrier does (``isOfPhone(_:_:on:)``). Where several trunks have
  /// that address, the one whose registered contact the request is for.
  private func trunk(sending message: Message, on flow: Flow) -> Trunk? {
    // Carriers are no browsers; a page in one may well be behind a carrier's address.
    guard !flow.transport.isWebSocket else { return nil }
    let exact = trunks.values.filter { state in
      state.hops.contains { $0.remote == flow.remote } && isSource(flow, of: state.id)
    }
    if !exact.isEmpty { return trunk(registeredFor: message, among: exact.map(\.id)) }
    guard !message.has(.authorization), !message.has(.proxyAuthorization) else { return nil }
    if let host = message.fromHost, rules.directory.tenant(at: host, of: message) != nil {
      return nil
    }
    var near = rules.directory.trunks(from: flow.remote.address).map(\.id)
      .filter { isSource(flow, of: $0) }
    if near.isEmpty {
      near = trunks.values.filter { $0.isReached(from: flow.remote) && isSource(flow, of: $0.id) }
        .map(\.id)
    }
    guard let trunk = trunk(registeredFor: message, among: near),
      !bindings.isRegistered(on: flow), !isOfPhone(message, trunk, on: flow)
    else { return nil }
    return trunk
  }

  /// Whether a call from a carrier's address, but not its port, is to be asked who it is.
  ///
  /// It is for no number of ours, and its caller is no number either. Whether that is an extension plays no part,
  /// so the answer tells nobody who exists (A02).
  private func isOfPhone(_ message: Message, _ trunk: Trunk, on flow: Flow) -> Bool {
    guard message.method == .invite, !message.isFromAnonymous, let user = message.fromUser,
      let home = home(of: trunk), trunk.numberFormat.readCaller(user.span, in: home) == nil,
      tenant(of: message, on: flow) != nil
    else { return false }
    let called = calledNumber(message, trunk, home)
    return called.flatMap { rules.directory.inbound($0) } == nil
  }

  /// The country in whose way a trunk writes numbers.
  private func home(of trunk: Trunk) -> CountryPlan? {
    trunk.country ?? rules.directory.tenants.first?.country
  }

  /// Of trunks at the same address the one that registered the contact that is called, else the first.
  private func trunk(registeredFor message: Message, among ids: [TrunkID]) -> Trunk? {
    guard ids.count > 1 else { return ids.first.flatMap { rules.directory.trunk($0) } }
    let known = ids.sorted().compactMap { rules.directory.trunk($0) }
    let user = message.requestUser
    return known.first { trunk in
      guard let user, let registration = trunk.registration else { return false }
      return user == Array(registration.credentials.username.utf8)
    } ?? known.first
  }

  /// Whether the Request-URI names us: a domain of a tenant, our address, or a name of ours.
  func isOurs(_ message: Message, on flow: Flow) -> Bool {
    guard let host = message.requestHost else {
      return message.requestScheme == .tel || message.requestURI?.isEmergencyService ?? false
    }
    if rules.directory.tenant(at: host, of: message) != nil { return true }
    if let address = message.address(at: host) { return isOwn(address, on: flow) }
    return configuration.ownHosts.contains(message.text(host).lowercased())
  }

  /// A preloaded route may lead to us and nowhere else: we are no relay (A33).
  func hasOnlyOurRoutes(_ message: Message, on flow: Flow) -> Bool {
    guard message.has(.route) else { return true }
    guard let routes = try? message.routes() else { return false }
    return routes.allSatisfy { route in
      guard let host = route.uri.host else { return false }
      if rules.directory.tenant(host: host) != nil { return true }
      if case .address(let address) = host { return isOwn(address, on: flow) }
      return configuration.ownHosts.contains("\(host)".lowercased())
    }
  }

  func isOwn(_ address: IPAddress, on flow: Flow) -> Bool {
    address == flow.local.address || configuration.ownAddresses.contains(address)
  }

  // MARK: - What a request says

  /// What a phone dialled, and which number it would like to show.
  func dialled(_ message: Message, by line: Extension) -> Router.Dialled {
    var dialled = Router.Dialled(line: line, user: message.requestURI?.dialled ?? [])
    dialled.isEmergencyService = message.requestURI?.isEmergencyService ?? false
    let preferred = try? message.preferredIdentities().first
    let asserted = try? message.assertedIdentities().first
    let wanted = preferred ?? asserted ?? message.from
    dialled.wanted = wanted.uri.telephoneNumber.flatMap { PhoneNumber($0) }
    // RFC 3323 §4.1: a phone that hides itself in From needs no Privacy for it.
    dialled.asksPrivacy = message.wantsPrivacy || message.isFromAnonymous
    dialled.forwards = message.forwardCount
    dialled.meaning = router.meaning(of: dialled)
    return dialled
  }

  /// Where a call of a trunk goes, and who its caller is: what the carrier vouches for first.
  func inboundPlan(
    _ message: Message, _ trunk: Trunk, _ record: inout CallDetailRecord, at now: Now
  ) throws(RouteRefusal) -> CallPlan {
    guard let home = home(of: trunk), let number = calledNumber(message, trunk, home) else {
      throw RouteRefusal(.unknownNumber, "the called number cannot be read")
    }
    let country = trunk.country ?? rules.directory.inbound(number)?.tenant.country ?? home
    let caller = callerIdentity(message, trunk, country)
    record.caller = caller.number
    record.normalised = "\(number)"
    record.tenant = rules.directory.inbound(number)?.tenant.id
    return try router.plan(
      inbound: number, caller: caller, forwards: message.forwardCount, at: now.wall)
  }

  /// The number that was called: Request-URI, or To where a carrier puts our own user name there.
  ///
  /// Carriers do not always write numbers as they say: what is no number of ours in the trunk's format may be one as
  /// dialled in its country.
  private func calledNumber(
    _ message: Message, _ trunk: Trunk, _ country: CountryPlan
  ) -> PhoneNumber? {
    var candidates: [[UInt8]] = []
    for uri in [message.requestURI, message.toURI] {
      if let uri, uri.user != nil { candidates.append(uri.dialled) }
    }
    let numbers = candidates.compactMap { trunk.numberFormat.read($0.span, in: country) }
    let asDialled = candidates.compactMap { NumberFormat.national.read($0.span, in: country) }
    return (numbers + asDialled).first { rules.directory.inbound($0) != nil } ?? numbers.first
  }

  private func callerIdentity(
    _ message: Message, _ trunk: Trunk, _ country: CountryPlan
  ) -> CallerIdentity {
    let asserted = (try? message.assertedIdentities()) ?? []
    let from = message.from
    let source = asserted.first ?? from
    let user = source.uri.user ?? []
    let number = trunk.callerNumber(in: source.uri, country)
    let isWithheld = message.wantsPrivacy || message.isFromAnonymous
    // Many networks put the name beside the number in From only.
    let isSame = number != nil && number == trunk.callerNumber(in: from.uri, country)
    let names = asserted.map(\.displayText) + (asserted.isEmpty || isSame ? [from.displayText] : [])
    return CallerIdentity(
      number: number.map { "\($0)" }
        ?? (isWithheld ? "" : String(decoding: user.prefix(32), as: UTF8.self)),
      name: String((names.first { !$0.isEmpty } ?? "").prefix(64)), isWithheld: isWithheld)
  }

  /// The header lines that pass from leg to leg: harmless, and of use to the other side.
  func passing(_ message: Message) -> [HeaderDraft] {
    let names: [HeaderName] = [.subject, .priority, .userToUser, .acceptLanguage]
    return names.compactMap { name in
      message.first(name).map { HeaderDraft(name, Array(message[$0].prefix(256))) }
    }
  }
}

extension Message {
  /// `Privacy: id`, `user` or `header`, or its forerunner: the caller must not be shown (RFC 3323, RFC 3325).
  var wantsPrivacy: Bool {
    guard has(.privacy) else { return has(.remotePartyID) && hidesRemoteParty }
    // What cannot be read counts as a wish for privacy.
    return ((try? privacy()) ?? nil)?.hidesIdentity ?? true
  }

  /// `privacy=full` or `uri` of the calling party in Remote-Party-ID (draft-ietf-sip-privacy-04 §5.1).
  private var hidesRemoteParty: Bool {
    values(.remotePartyID).contains { value in
      guard let party = try? NameAddress(parsing: bytes.span.extracting(value.range)) else {
        return false
      }
      let side = party.parameters.text("party")?.lowercased()
      let wish = party.parameters.text("privacy")?.lowercased() ?? ""
      return side ?? "calling" == "calling" && (wish.hasPrefix("full") || wish.hasPrefix("uri"))
    }
  }

  /// Forwards that the call says it has behind it; Diversion counts may be summed (RFC 5806 §10).
  var forwardCount: Int {
    let diversions = (try? diversions()) ?? []
    let diverted = diversions.reduce(0) { $0 + Int(min($1.counter, 100)) }
    let history = (try? historyInfo()) ?? []
    return max(diverted, history.count { $0.origin != nil || $0.index.count > 1 })
  }
}

extension Trunk {
  /// The caller's number that a URI of this carrier names; nil for one to be shown as it came.
  func callerNumber(in uri: URI, _ country: CountryPlan) -> PhoneNumber? {
    numberFormat.readCaller(uri.dialled.span, in: country)
  }
}

extension Device {
  var secrets: DigestSecrets {
    DigestSecrets(
      md5: hashes.md5.value, sha256: hashes.sha256.value, sha512Half: hashes.sha512256.value)
  }
}

extension DirectorySnapshot {
  func tenant(host: Host) -> Tenant? {
    let name =
      switch host {
      case .name(let name): Array(name.utf8)
      case .address: Array(host.description.utf8)
      }
    return tenant(domain: name.span)
  }

  /// The tenant that a request is for: by From, else by Request-URI, else by To.
  func tenant(of message: Message) -> Tenant? {
    tenant(at: message.fromHost, of: message) ?? tenant(at: message.requestHost, of: message)
      ?? tenant(at: message.toHost, of: message)
  }

  /// The tenant that a host of a message names; an address may be written in several ways.
  func tenant(at host: ByteRange?, of message: Message) -> Tenant? {
    guard let host else { return nil }
    if let tenant = tenant(domain: message.bytes.span.extracting(host.range)) { return tenant }
    return message.address(at: host).flatMap { tenant(host: .address($0)) }
  }

  /// Whether a host of a message is the domain of that tenant.
  func isDomain(_ host: ByteRange?, in message: Message, of tenant: TenantID) -> Bool {
    guard let host, let domain = self.tenant(tenant)?.domainBytes else { return false }
    return message.bytes.span.extracting(host.range).equalsInAnyCase(domain.span)
      || self.tenant(at: host, of: message)?.id == tenant
  }

  /// The extension that To names, if it is one of the device's.
  func line(of device: Device, registeredIn message: Message) -> Extension? {
    message.withToUser { user -> Extension? in
      if let line = line(device.tenant, user: user) {
        return device.extensions.contains(line.id) ? line : nil
      }
      let username = device.username
      guard user.equals(username.span) else { return nil }
      return device.extensions.first.flatMap { line($0) }
    } ?? nil
  }

  /// The extension that an authenticated device may act as: the one that From names, or its own.
  func line(of device: Device, claimedIn message: Message) -> Extension? {
    guard let user = message.fromUser, !user.isEmpty, !user.isAnonymous else {
      return device.extensions.first.flatMap { line($0) }
    }
    if let claimed = line(device.tenant, user: user.span) {
      return device.extensions.contains(claimed.id) ? claimed : nil
    }
    // Phones may put their user name there, or a number that they would like to show.
    let isOwnName =
      user == device.username || PhoneNumber(String(decoding: user, as: UTF8.self)) != nil
    return isOwnName ? device.extensions.first.flatMap { line($0) } : nil
  }
}

extension [UInt8] {
  fileprivate var isAnonymous: Bool {
    count == 9 && String(decoding: self, as: UTF8.self).lowercased() == "anonymous"
  }
}
