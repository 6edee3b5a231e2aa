"""How good a picture or a video is: PSNR, SSIM, NIQE and flicker, and sheets to look at."""
