package transfer

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

// Algorithms by their URIs (RFC 6030 section 6, XML Encryption 1.1, RFC 6931); case does not count, since writers differ.
const (
	aes256CBC    = nsXenc + "aes256-cbc"
	hmacSHA1     = nsDS + "hmac-sha1"
	hmacSHA256   = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
	pbkdf2PKCS5  = nsPKCS5 + "pbkdf2"
	pbkdf2Xenc11 = nsXenc11 + "pbkdf2"
)

var (
	cipherKeySizes = map[string]int{nsXenc + "aes128-cbc": 16, nsXenc + "aes192-cbc": 24, aes256CBC: 32}

	macs = map[string]func() hash.Hash{
		hmacSHA1: sha1.New, hmacSHA256: sha256.New,
		"http://www.w3.org/2001/04/xmldsig-more#hmac-sha224": sha256.New224,
		"http://www.w3.org/2001/04/xmldsig-more#hmac-sha384": sha512.New384,
		"http://www.w3.org/2001/04/xmldsig-more#hmac-sha512": sha512.New,
	}
)

// Limits of an encryption.
const (
	maxSalt   = 1024 // bytes
	minMACKey = 16   // bytes: more than one block, which who alters a file could choose
)

// encryption is that of a container. It is set up by the first value that needs it, so that no passphrase is asked for a file
// that has none encrypted.
type encryption struct {
	file          *file
	key, mac      *element // EncryptionKey and MACMethod
	ready         bool
	verified      bool // a value was, so the passphrase is right
	encryptionKey []byte
	macKey        []byte
	newMAC        func() hash.Hash
}

// open verifies and decrypts a value. Its errors end the file.
func (e *encryption) open(value, valueMAC *element) ([]byte, error) {
	if err := e.supported(); err != nil {
		return nil, &finalError{err}
	}
	algorithm, ciphertext, err := encrypted(value)
	if err == nil && !e.ready {
		err = e.setUp(algorithm)
	}
	if err != nil {
		return nil, &finalError{err}
	}
	want, ok := valueMAC.base64()
	if !ok {
		return nil, &finalError{errors.New("an encrypted value has no MAC, so nobody can tell whether it was altered")}
	}
	mac := hmac.New(e.newMAC, e.macKey)
	mac.Write(ciphertext)
	if !hmac.Equal(mac.Sum(nil), want) {
		if e.verified {
			return nil, &finalError{ErrAltered}
		}
		return nil, &finalError{ErrPassphrase}
	}
	e.verified = true
	plain, err := decryptCBC(e.encryptionKey, algorithm, ciphertext)
	if err != nil {
		return nil, &finalError{err}
	}
	return plain, nil
}

// setUp derives the key and decrypts that of the MAC. algorithm is the cipher of the value that needs it.
func (e *encryption) setUp(algorithm string) error {
	method, err := e.key.find("DerivedKey", "KeyDerivationMethod")
	if err != nil {
		return err
	}
	if a := strings.ToLower(method.attribute("Algorithm")); a != pbkdf2PKCS5 && a != pbkdf2Xenc11 {
		return errors.New("the key is derived from the passphrase in another way than PBKDF2")
	}
	e.newMAC = macs[strings.ToLower(e.mac.attribute("Algorithm"))]
	if e.newMAC == nil {
		return errors.New("the file is encrypted without a MAC, or with another one than HMAC with SHA-1 or SHA-2")
	}
	parameters, err := method.find("PBKDF2-params")
	if err != nil {
		return err
	}
	if e.encryptionKey, err = e.derive(parameters, cipherKeySizes[algorithm]); err != nil {
		return err
	}
	macKey, err := e.mac.find("MACKey")
	if err != nil {
		return err
	}
	if reference, err := e.mac.find("MACKeyReference"); reference != nil || err != nil {
		return ErrPreSharedKey
	}
	e.ready, e.macKey = true, e.encryptionKey // which older files use for both
	if macKey == nil {
		return nil
	}
	algorithm, ciphertext, err := encrypted(macKey)
	if err != nil {
		return err
	}
	e.macKey, err = decryptCBC(e.encryptionKey, algorithm, ciphertext)
	if err != nil || len(e.macKey) < minMACKey {
		return ErrPassphrase
	}
	return nil
}

// supported tells whether the key is one of a passphrase.
func (e *encryption) supported() error {
	s := selector{}
	derived, name, certificate := s.find(e.key, "DerivedKey"), s.find(e.key, "KeyName"), s.find(e.key, "X509Data")
	switch {
	case s.err != nil || derived != nil:
		return s.err
	case certificate != nil:
		return ErrCertificate
	case name != nil:
		return ErrPreSharedKey
	}
	return errors.New("the file is encrypted, and does not say with which key")
}

// derive makes the key of a passphrase (RFC 8018 section 5.2).
func (e *encryption) derive(parameters *element, size int) ([]byte, error) {
	salt, err := parameters.find("Salt", "Specified")
	if err != nil {
		return nil, err
	}
	saltBytes, ok := salt.base64()
	if !ok || len(saltBytes) == 0 || len(saltBytes) > maxSalt {
		return nil, fmt.Errorf("the salt of the passphrase has not between 1 and %d bytes", maxSalt)
	}
	count, err := parameters.find("IterationCount")
	if err != nil {
		return nil, err
	}
	iterations, err := strconv.Atoi(strings.TrimSpace(count.words()))
	if err != nil || iterations < 1 || iterations > e.file.limits.maxIterations {
		return nil, fmt.Errorf("the iterations of the passphrase are not between 1 and %d", e.file.limits.maxIterations)
	}
	length, err := parameters.find("KeyLength")
	if err != nil {
		return nil, err
	}
	if length != nil && strings.TrimSpace(length.words()) != strconv.Itoa(size) {
		return nil, errors.New("the derived key has not the length that the cipher needs")
	}
	prf, err := parameters.find("PRF")
	if err != nil {
		return nil, err
	}
	newHash := sha1.New // RFC 8018 appendix A.2
	function := prf.attribute("Algorithm")
	if function == "" {
		function = strings.TrimSpace(prf.words()) // which is where python-pskc writes it
	}
	if function != "" {
		if newHash = macs[strings.ToLower(function)]; newHash == nil {
			return nil, errors.New("the key is derived with another function than HMAC with SHA-1 or SHA-2")
		}
	}
	passphrase, err := e.file.passphrase()
	if err != nil {
		return nil, err
	}
	return pbkdf2.Key(newHash, passphrase, saltBytes, iterations, size)
}

// encrypted takes a value of XML Encryption apart.
func encrypted(value *element) (algorithm string, ciphertext []byte, err error) {
	method, err := value.find("EncryptionMethod")
	if err != nil {
		return "", nil, err
	}
	algorithm = strings.ToLower(method.attribute("Algorithm"))
	if cipherKeySizes[algorithm] == 0 {
		return "", nil, errors.New("the file is encrypted with another cipher than AES-CBC")
	}
	text, err := value.find("CipherData", "CipherValue")
	if err != nil {
		return "", nil, err
	}
	ciphertext, ok := text.base64()
	if !ok || len(ciphertext) < 2*aes.BlockSize || len(ciphertext)%aes.BlockSize != 0 {
		return "", nil, ErrAltered
	}
	return algorithm, ciphertext, nil
}

// decryptCBC reads initialization vector, blocks and padding (XML Encryption 1.1 section 5.2). Of the padding only the last
// byte is defined. ErrAltered says that it is none, or that the key is one of another cipher.
func decryptCBC(key []byte, algorithm string, ciphertext []byte) ([]byte, error) {
	if len(key) != cipherKeySizes[algorithm] {
		return nil, ErrAltered
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(ciphertext)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, ciphertext[:aes.BlockSize]).CryptBlocks(plain, ciphertext[aes.BlockSize:])
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize {
		return nil, ErrAltered
	}
	return plain[:len(plain)-padding], nil
}

// encryptCBC is its inverse, with padding as in PKCS #7, which readers of either standard take.
func encryptCBC(block cipher.Block, plain []byte) []byte {
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	ciphertext := make([]byte, aes.BlockSize+len(plain)+padding)
	iv, padded := ciphertext[:aes.BlockSize], ciphertext[aes.BlockSize:]
	rand.Read(iv) // never fails; it ends the program where there is no randomness
	copy(padded, plain)
	for i := len(plain); i < len(padded); i++ {
		padded[i] = byte(padding)
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return ciphertext
}
