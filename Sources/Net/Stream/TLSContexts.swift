import Elements
import Glibc
package import NIOCore
import NIOSSL
import Synchronization

/// The TLS contexts in force: connections made from now on get the newest.
package final class TLSContexts: Sendable {
  private struct Contexts: Sendable {
    let server: NIOSSLContext
    let client: NIOSSLContext
  }

  private let settings: TLSSettings
  private let current: Mutex<Contexts>

  /// Reads the certificate and key; makes both where neither is there.
  package init(_ settings: TLSSettings) throws(NetError) {
    self.settings = settings
    try Self.makeMissingFiles(settings)
    current = Mutex(try Self.contexts(settings))
  }

  var verifiesPeers: Bool { settings.verifiesPeers }
  var server: NIOSSLContext { current.withLock { $0.server } }
  var client: NIOSSLContext { current.withLock { $0.client } }

  /// What a connection that somebody opens is secured by from now on.
  package func serverHandler() -> some ChannelHandler { NIOSSLServerHandler(context: server) }

  /// Reads the files again; on an error the contexts in force stay.
  package func reload() throws(NetError) {
    let contexts = try Self.contexts(settings)
    current.withLock { $0 = contexts }
  }

  /// Reads certificate and key as the start does, and makes nothing; gives when the certificate ends.
  static func examine(_ settings: TLSSettings) throws(NetError) -> WallTime {
    _ = try contexts(settings)
    let path = settings.folder + "/certificate.pem"
    guard let first = try? NIOSSLCertificate.fromPEMFile(path).first else {
      throw .certificate(path: path, reason: "there is none in it")
    }
    return WallTime(unixSeconds: Int64(first.notValidAfter))
  }

  private static func contexts(_ settings: TLSSettings) throws(NetError) -> Contexts {
    let certificatePath = settings.folder + "/certificate.pem"
    let keyPath = settings.folder + "/key.pem"
    switch (access(certificatePath, F_OK) == 0, access(keyPath, F_OK) == 0) {
    case (false, true): throw .halfPair(missing: certificatePath, present: keyPath)
    case (true, false): throw .halfPair(missing: keyPath, present: certificatePath)
    case (true, true), (false, false): break
    }
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMFile(certificatePath)
    } catch {
      throw .certificate(path: certificatePath, reason: "no certificate can be read (\(error))")
    }
    let key: NIOSSLPrivateKey
    do {
      key = try NIOSSLPrivateKey(file: keyPath, format: .pem)
    } catch {
      throw .certificate(path: keyPath, reason: "no private key can be read (\(error))")
    }
    let sources = chain.map { NIOSSLCertificateSource.certificate($0) }
    var server = TLSConfiguration.makeServerConfiguration(
      certificateChain: sources, privateKey: .privateKey(key))
    server.minimumTLSVersion = .tlsv12
    // With forward secrecy only, also where the key is RSA (RFC 9325 §4.1); those of TLS 1.3 have it by themselves.
    server.cipherSuites = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES"
    // Phones have no certificates; who they are is told by digest.
    server.certificateVerification = .none
    var client = TLSConfiguration.makeClientConfiguration()
    client.minimumTLSVersion = .tlsv12
    client.certificateChain = sources
    client.privateKey = .privateKey(key)
    // The chain is verified here, the name by ``PeerIdentity``.
    client.certificateVerification = settings.verifiesPeers ? .noHostnameVerification : .none
    if let authorities = settings.authorities {
      guard access(authorities, R_OK) == 0 else {
        throw .certificate(path: authorities, reason: "the authorities cannot be read")
      }
      client.additionalTrustRoots = [.file(authorities)]
    }
    do {
      return Contexts(
        server: try NIOSSLContext(configuration: server),
        client: try NIOSSLContext(configuration: client))
    } catch {
      throw .certificate(path: certificatePath, reason: "it does not fit key.pem (\(error))")
    }
  }

  // MARK: The first start

  private static func makeMissingFiles(_ settings: TLSSettings) throws(NetError) {
    let certificatePath = settings.folder + "/certificate.pem"
    let keyPath = settings.folder + "/key.pem"
    // One without the other is somebody's mistake: never overwritten.
    guard access(certificatePath, F_OK) != 0, access(keyPath, F_OK) != 0 else { return }
    let made: SelfSignedCertificate
    do {
      made = try SelfSignedCertificate(names: settings.names, at: Clocks.wall())
    } catch {
      throw .certificate(path: certificatePath, reason: "it could not be made (\(error))")
    }
    if mkdir(settings.folder, 0o700) != 0, errno != EEXIST {
      throw .certificate(path: settings.folder, reason: String(cString: strerror(errno)))
    }
    try write(made.keyPEM, to: keyPath, mode: 0o600)
    try write(made.certificatePEM, to: certificatePath, mode: 0o644)
  }

  /// Writes a whole file or none: a crash in between leaves the temporary one.
  private static func write(
    _ text: String, to path: String, mode: mode_t
  ) throws(NetError) {
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw .certificate(path: path, reason: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
      rename(temporary, path) == 0
    else { throw .certificate(path: path, reason: String(cString: strerror(errno))) }
  }
}
