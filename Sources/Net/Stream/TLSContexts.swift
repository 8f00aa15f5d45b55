import Elements
import Glibc
package import NIOCore
import NIOSSL
import Synchronization

/// The TLS contexts in force: connections made from now on get the newest.
///
/// Nothing weaker than ECDHE with an AEAD cipher is spoken, in TLS 1.2 or 1.3, and nothing is renegotiated: the library
/// does not for servers, and carriers that ask for it are refused.
package final class TLSContexts: Sendable {
  /// What was read from the files, and what was made of it.
  private struct Material: Sendable {
    /// The pair in the folder itself.
    let standard: ServerCertificate
    let named: [String: ServerCertificate]
    let states: [CertificateState]
    let server: NIOSSLContext
    /// For carriers that have to prove themselves; who shows a certificate must be vouched for.
    let asking: NIOSSLContext
    let client: NIOSSLContext
    /// When the next of them ends or begins to hold, which may change who serves a name; nil: none does.
    var turnsAt: WallTime?
    /// Those that show a further certificate, once they were wanted.
    var clients: [String: NIOSSLContext] = [:]
  }

  private struct State: Sendable {
    var material: Material
    /// The files as they were when they were read.
    var read: FileLooks
    /// They have changed since, and this was the last look: a copy may be under way.
    var unsettled: FileLooks?
  }

  private let settings: TLSSettings
  private let state: Mutex<State>
  /// Held while the files are read: who began later has seen what is newer, and must not be overtaken.
  private let reading = Mutex(())

  /// Reads the certificates and keys; makes the standard pair where it is not there.
  ///
  /// Without the standard one nothing starts; another one that is broken is left out, and its state says why.
  init(_ settings: TLSSettings) throws(NetError) {
    self.settings = settings
    try Self.makeMissingFiles(settings)
    let looks = Self.looks(settings)
    state = Mutex(State(material: try Self.material(settings, after: nil), read: looks))
  }

  var verifiesPeers: Bool { settings.verifiesPeers }
  var server: NIOSSLContext { state.withLock { $0.material.server } }
  var asking: NIOSSLContext { state.withLock { $0.material.asking } }

  /// What we connect with; `name` is the folder of the certificate that is shown where the peer asks, nil the standard one.
  func client(showing name: String?) throws(NetError) -> NIOSSLContext {
    try state.withLock { state throws(NetError) in
      guard let name else { return state.material.client }
      if let context = state.material.clients[name] { return context }
      guard let certificate = state.material.named[name] else {
        throw .configuration(
          "there is no usable certificate \"\(name)\" in \(settings.folder) (present_certificate)")
      }
      let context = try Self.context(try Self.client(certificate, settings))
      state.material.clients[name] = context
      return context
    }
  }

  /// What a connection that somebody opens is secured by from now on.
  package func serverHandler() -> some ChannelHandler { NIOSSLServerHandler(context: server) }

  /// What each certificate is worth, the standard one first.
  var states: [CertificateState] { state.withLock { $0.material.states } }

  /// Reads the files again; where one is broken or has ended the certificate in force stays, and its state says why.
  func reload() throws(NetError) {
    try reading.withLock { _ throws(NetError) in
      let looks = Self.looks(settings)
      let before = state.withLock { state in
        (state.read, state.unsettled) = (looks, nil)
        // Once, whatever comes of it.
        state.material.turnsAt = nil
        return state.material
      }
      let material = try Self.material(settings, after: before)
      state.withLock { $0.material = material }
    }
  }

  /// Reads the files again when somebody has changed one, and none any more since the last call, or when one has ended.
  ///
  /// - Returns: Whether they were read.
  func reloadIfChanged() throws(NetError) -> Bool {
    let (looks, now) = (Self.looks(settings), Clocks.wall())
    let isSettled = state.withLock { state in
      if let turn = state.material.turnsAt, turn <= now { return true }
      guard looks != state.read else {
        state.unsettled = nil
        return false
      }
      defer { state.unsettled = looks }
      return state.unsettled == looks
    }
    if isSettled { try reload() }
    return isSettled
  }

  /// Reads everything as the start does, and makes nothing.
  static func examine(_ settings: TLSSettings) -> [CertificateState] {
    let folder = CertificateFolder(path: settings.folder)
    return ([nil] + folder.names).map { examine(settings, $0) }
  }

  static func examine(_ settings: TLSSettings, _ name: String?) -> CertificateState {
    let folder = CertificateFolder(path: settings.folder).folder(name)
    var state = CertificateState(folder: folder, name: name)
    do throws(NetError) {
      state.adopt(try ServerCertificate(folder: folder))
    } catch {
      state.complaint = error
    }
    return state
  }

  private static func looks(_ settings: TLSSettings) -> FileLooks {
    FileLooks(
      at: CertificateFolder(path: settings.folder).files + (settings.authorities.map { [$0] } ?? [])
    )
  }

  // MARK: Making them

  private static func material(
    _ settings: TLSSettings, after before: Material?
  ) throws(NetError) -> Material {
    let (folder, now) = (CertificateFolder(path: settings.folder), Clocks.wall())
    let names = folder.names
    var states: [CertificateState] = []
    var found: [String?: ServerCertificate] = [:]
    for name in [nil] + names {
      var state = CertificateState(folder: folder.folder(name), name: name)
      let current = if let name { before?.named[name] } else { before?.standard }
      do throws(NetError) {
        let certificate = try ServerCertificate(folder: state.folder)
        if let current { try certificate.check(replacing: current, at: now) }
        found[name] = certificate
      } catch {
        state.complaint = error
        found[name] = current
      }
      if let certificate = found[name] { state.adopt(certificate) }
      states.append(state)
    }
    guard let pair = found[nil] else {
      throw states[0].complaint ?? .configuration("No certificate in \(settings.folder).")
    }
    let shown = settings.standard.flatMap { found[$0] } ?? pair
    var named: [String: ServerCertificate] = [:]
    for name in names { named[name] = found[name] }
    let all = names.compactMap { named[$0] }
    let shelf = CertificateShelf(standard: shown, named: all, at: now)
    var asking = server(shelf)
    asking.certificateVerification = .optionalVerification
    asking.additionalTrustRoots = try authorities(settings)
    return Material(
      standard: pair, named: named, states: states, server: try context(server(shelf)),
      asking: try context(asking), client: try context(try client(shown, settings)),
      turnsAt: ([shown] + all).compactMap { $0.turn(after: now) }.min())
  }

  private static func context(_ configuration: TLSConfiguration) throws(NetError) -> NIOSSLContext {
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw .configuration("TLS cannot be set up: \(error).")
    }
  }

  private static func server(_ shelf: CertificateShelf) -> TLSConfiguration {
    var server = TLSConfiguration.makeServerConfiguration(
      certificateChain: shelf.standard.chain, privateKey: shelf.standard.key)
    harden(&server)
    // Phones are told by digest, not by a certificate.
    server.certificateVerification = .none
    guard !shelf.isEmpty else { return server }
    server.sslContextCallback = { values, promise in
      var choice = NIOSSLContextConfigurationOverride.noChanges
      if let certificate = shelf.certificate(for: values.serverHostname) {
        (choice.certificateChain, choice.privateKey) = (certificate.chain, certificate.key)
      }
      promise.succeed(choice)
    }
    return server
  }

  private static func client(
    _ certificate: ServerCertificate, _ settings: TLSSettings
  ) throws(NetError) -> TLSConfiguration {
    var client = TLSConfiguration.makeClientConfiguration()
    harden(&client)
    client.certificateChain = certificate.chain
    client.privateKey = certificate.key
    // The chain is verified here, the name by ``PeerIdentity``.
    client.certificateVerification = settings.verifiesPeers ? .noHostnameVerification : .none
    client.additionalTrustRoots = try authorities(settings)
    return client
  }

  private static func authorities(
    _ settings: TLSSettings
  ) throws(NetError) -> [NIOSSLAdditionalTrustRoots] {
    guard let path = settings.authorities else { return [] }
    do {
      return [.certificates(try NIOSSLCertificate.fromPEMFile(path))]
    } catch {
      throw .certificate(
        path: path, reason: "the authorities cannot be read (\(error))",
        wayOut: "Name a PEM file that the server may read, or leave tls_authorities out")
    }
  }

  /// What every connection is held to (RFC 9325 §4.2).
  private static func harden(_ configuration: inout TLSConfiguration) {
    configuration.minimumTLSVersion = .tlsv12
    // Of TLS 1.2; those of 1.3 are all of this kind.
    configuration.cipherSuiteValues = [
      .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
      .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
      .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
    configuration.renegotiationSupport = .none
  }

  // MARK: The first start

  private static func makeMissingFiles(_ settings: TLSSettings) throws(NetError) {
    let certificatePath = settings.folder + "/" + ServerCertificate.certificateFile
    let keyPath = settings.folder + "/" + ServerCertificate.keyFile
    // One without the other is somebody's mistake: never overwritten.
    guard access(certificatePath, F_OK) != 0, access(keyPath, F_OK) != 0 else { return }
    let made: SelfSignedCertificate
    do {
      made = try SelfSignedCertificate(names: settings.names, at: Clocks.wall())
    } catch {
      throw .certificate(
        path: certificatePath, reason: "it could not be made (\(error))",
        wayOut: "Put a certificate and its key there")
    }
    if mkdir(settings.folder, 0o700) != 0, errno != EEXIST {
      throw .certificate(
        path: settings.folder,
        reason: "the folder cannot be made: \(String(cString: strerror(errno)))",
        wayOut: "Make it, and give it to the user that the server runs as")
    }
    try KeptFile.write([
      (made.keyPEM, keyPath, 0o600), (made.certificatePEM, certificatePath, 0o644),
    ])
  }
}
