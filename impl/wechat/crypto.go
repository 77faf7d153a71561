package wechat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // WeChat's scheme
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

const (
	aesKeyText = 43 // characters of an EncodingAESKey
	aesKeySize = 32
	blockSize  = 32 // of the padding; AES itself has 16
	randomSize = 16 // bytes before the message
	headSize   = randomSize + 4
)

// errEncrypted says no more than that, to nobody but the log.
var errEncrypted = errors.New("the message cannot be decrypted")

// signature is the hexadecimal SHA-1 of the sorted parts.
func signature(parts ...string) string {
	sorted := slices.Sorted(slices.Values(parts))
	digest := sha1.Sum([]byte(strings.Join(sorted, "")))
	return hex.EncodeToString(digest[:])
}

// signed tells in constant time whether a signature is that of the parts.
func signed(given string, parts ...string) bool {
	return hmac.Equal([]byte(given), []byte(signature(parts...)))
}

// parseAESKey reads an EncodingAESKey: base64 of 32 bytes without its "=". The last character may have bits too many.
func parseAESKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if err != nil || len(text) != aesKeyText || len(key) != aesKeySize {
		return nil, errors.New("an EncodingAESKey has 43 letters and digits")
	}
	return key, nil
}

// decrypt opens an encrypted message and tells for which WeChat app it was made. Whose signature is not right must not get
// here: the errors of padding tell too much.
func decrypt(key []byte, text string) (message []byte, appID string, err error) {
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) == 0 || len(sealed)%aes.BlockSize != 0 {
		return nil, "", errEncrypted
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, "", err
	}
	plain := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, sealed)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > blockSize || len(plain) < headSize+padding {
		return nil, "", errEncrypted
	}
	end := len(plain) - padding
	if !bytes.Equal(plain[end:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, "", errEncrypted
	}
	rest := plain[headSize:end]
	size := binary.BigEndian.Uint32(plain[randomSize:headSize])
	if uint64(size) > uint64(len(rest)) {
		return nil, "", errEncrypted
	}
	return rest[:size], string(rest[size:]), nil
}

// encrypt is the inverse of decrypt. random is of randomSize bytes and new every time.
func encrypt(key, random, message []byte, appID string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	plain := slices.Concat(random, binary.BigEndian.AppendUint32(nil, uint32(len(message))), message, []byte(appID))
	padding := blockSize - len(plain)%blockSize
	plain = append(plain, bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}
