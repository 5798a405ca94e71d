extension String {
    /// As a shell reads it back as one word: as it is where nothing in it means anything to a shell, else between single quotes.
    package var shellQuoted: String {
        let plain = utf8.allSatisfy { byte in
            byte &- 48 < 10 || byte | 32 &- 97 < 26 || byte >= 128 || "_-./:,+@%=".utf8.contains(byte)
        }
        return plain && !isEmpty ? self : "'" + replacing("'", with: "'\\''") + "'"
    }
}
