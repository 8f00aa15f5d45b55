import Elements

/// A program that is known to be attacked where it can be reached.
struct KnownService {
  let name: String
  let rule: AuditRule
  let tcp: Set<UInt16>
  let udp: Set<UInt16>
  /// As the kernel shortens their names, to 15 letters.
  let programs: Set<String>

  private init(
    _ name: String, _ rule: AuditRule, tcp: Set<UInt16> = [], udp: Set<UInt16> = [],
    _ programs: Set<String> = []
  ) {
    (self.name, self.rule, self.tcp, self.udp) = (name, rule, tcp, udp)
    self.programs = programs
  }

  static let all: [KnownService] = [
    KnownService("telnet", .controlPort, tcp: [23, 2323], ["telnetd", "in.telnetd"]),
    KnownService(
      "rsh, rlogin or rexec", .controlPort, tcp: [512, 513, 514], ["in.rshd", "in.rlogind"]),
    KnownService("Docker without TLS", .controlPort, tcp: [2375]),
    KnownService("the X window system", .controlPort, tcp: Set(6000...6009), ["Xorg"]),
    KnownService("the Android debugger", .controlPort, tcp: [5555], ["adbd"]),
    KnownService("FTP", .dataPort, tcp: [21], ["vsftpd", "proftpd", "pure-ftpd"]),
    KnownService("TFTP", .dataPort, udp: [69], ["in.tftpd", "tftpd"]),
    KnownService("portmapper", .dataPort, tcp: [111], udp: [111], ["rpcbind"]),
    KnownService(
      "Windows file sharing", .dataPort, tcp: [139, 445], udp: [137, 138], ["smbd", "nmbd"]),
    KnownService("SNMP", .dataPort, udp: [161], ["snmpd"]),
    KnownService("LDAP", .dataPort, tcp: [389], udp: [389], ["slapd"]),
    KnownService("NFS", .dataPort, tcp: [2049], udp: [2049], ["rpc.mountd"]),
    KnownService("printing", .dataPort, tcp: [515, 631, 9100], udp: [631], ["cupsd"]),
    KnownService("SQL Server", .dataPort, tcp: [1433], ["sqlservr"]),
    KnownService("MySQL or MariaDB", .dataPort, tcp: [3306, 33060], ["mysqld", "mariadbd"]),
    KnownService("PostgreSQL", .dataPort, tcp: [5432], ["postgres"]),
    KnownService("Redis", .dataPort, tcp: [6379], ["redis-server", "valkey-server"]),
    KnownService("Memcached", .dataPort, tcp: [11211], udp: [11211], ["memcached"]),
    KnownService("MongoDB", .dataPort, tcp: [27017], ["mongod"]),
    KnownService("Elasticsearch", .dataPort, tcp: [9200, 9300]),
    KnownService("CouchDB", .dataPort, tcp: [5984]),
    KnownService("remote desktop", .dataPort, tcp: [3389], ["xrdp"]),
    KnownService("VNC", .dataPort, tcp: Set(5900...5909), ["Xvnc", "x11vnc", "Xtigervnc"]),
    KnownService("Asterisk's manager", .dataPort, tcp: [5038], ["asterisk"]),
    KnownService("FreeSWITCH's event socket", .dataPort, tcp: [8021], ["freeswitch"]),
    KnownService("an rtpengine's control", .dataPort, tcp: [2223], udp: [2223], ["rtpengine"]),
    KnownService("SSDP", .dataPort, udp: [1900]),
  ]

  /// By the program where it is known, else by the port.
  static func of(_ port: OpenPort, _ owner: PortOwners.Owner?) -> KnownService? {
    if let owner, let known = all.first(where: { $0.programs.contains(owner.program) }) {
      return known
    }
    let number = port.endpoint.port
    return all.first { (port.kind == .tcp ? $0.tcp : $0.udp).contains(number) }
  }

  static func isSSH(_ port: OpenPort, _ owner: PortOwners.Owner?) -> Bool {
    port.kind == .tcp && (owner?.program == "sshd" || port.endpoint.port == 22)
  }
}
